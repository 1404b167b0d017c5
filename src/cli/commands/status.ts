import type { Command } from 'commander';
import { operations, type Status } from '../../contracts/api';
import { seconds } from '../../platform/terminal/table';
import { contextOf } from '../context';
import { channelLines, encoderLines, moveLines } from '../views';

const MOVES_SHOWN = 8;

export const addStatus = (program: Command): void => {
  program
    .command('status')
    .description('the swarm at a glance: encoders, channels, forecast, last moves')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const status = await api.call(operations.getStatus, {});
      print(status, () => statusLines(status));
    });
};

const statusLines = (status: Status): string[] => {
  const { counts, forecast, net, cycle, urls } = status;
  return [
    `Swarm ${status.cell}: ${status.health}. ${counts.onAir} of ${counts.channels} channels on air. ` +
      `Encoders overloaded: ${counts.overloaded}, at risk: ${counts.atRisk}.`,
    forecast
      ? `Forecast ${forecast.id} (${forecast.model}), ${seconds(forecast.ageMs)} old.`
      : 'No forecast is available.',
    ...(net ? [`Net ${net.modelId} on ${net.backEnd?.name ?? 'no back end yet'}.`] : []),
    ...(cycle ? [`Last control cycle: ${cycle.number}, ${seconds(status.atMs - cycle.atMs)} ago.`] : []),
    ...(status.regions.length > 0
      ? [
          `CDN ahead (P90): ${status.regions
            .map((r) => `${r.region} ${Math.round(r.peakLoadP90 * 100)} %${r.congested ? ' CONGESTED' : ''}`)
            .join(', ')}.`,
        ]
      : []),
    ...(status.links === 'plain'
      ? ['! Links between machines are not encrypted: docs/how-to/encrypt-the-links.md.']
      : []),
    ...status.problems.map((problem) => `! ${problem}`),
    ...status.alerts.map(({ message }) => `! ${message}`),
    '',
    'Encoders',
    ...encoderLines(status.encoders),
    '',
    'Channels',
    ...channelLines(status.channels),
    '',
    'Last moves',
    ...moveLines(status.moves.slice(0, MOVES_SHOWN), status.atMs),
    '',
    `Page ${urls.api}   Temporal ${urls.temporal}   Playlists ${urls.origin}/hls/CHANNEL/index.m3u8`,
  ];
};
