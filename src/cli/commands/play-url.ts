import type { Command } from 'commander';
import { operations } from '../../contracts/api';
import { parseDurationSeconds } from '../../platform/duration';
import { contextOf } from '../context';

export const addPlayUrl = (channel: Command): void => {
  channel
    .command('play-url')
    .description('sign addresses at which players get a channel until they expire')
    .argument('<name>', 'channel to play')
    .option('--expires <time>', 'how long they are good for, such as 30m or 12h', '4h')
    .addHelpText(
      'after',
      '\nFor swarms with SWARM_PLAY_URLS=signed: elsewhere the addresses of channels are open to all.\n' +
        '\nExamples:\n  encoder-swarm channel play-url news --expires 12h\n  encoder-swarm channel play-url news --json',
    )
    .action(async (id: string, { expires }: { expires: string }, command: Command) => {
      const { api, print } = contextOf(command);
      const lifeMs = Math.round(parseDurationSeconds(expires, { leastSeconds: 1 }) * 1_000);
      const urls = await api.call(operations.signPlayUrls, { params: { id }, body: { lifeMs } });
      print(urls, () => [
        `HLS         ${urls.hls}`,
        `HLS, fMP4   ${urls.cmaf}`,
        `DASH        ${urls.dash}`,
        ...(urls.expiresAtMs === null ? [] : [`good until  ${new Date(urls.expiresAtMs).toISOString()}`]),
      ]);
    });
};
