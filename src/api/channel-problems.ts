import type { ChannelStatus } from '../contracts/api';
import { alwaysOnRungs } from '../domain';
import { isLate } from './coming-on-air';
import type { Observation } from './observe';

/** By then a move that brings another ladder is in all readings. */
const LADDER_GRACE_MS = 15_000;

/** Channels of which players get nothing, or not all renditions that they should, each as one sentence. */
export const channelProblems = (seen: Observation, channels: readonly ChannelStatus[]): string[] => [
  ...channels.filter((c) => c.status === 'off-air').map((c) => `${c.id} is off air: no encoder owns it.`),
  ...channels
    .filter((c) => c.status === 'late')
    .map((c) => `${c.id} is late: ${lastGopInWords(c, seen.atMs)}.`),
  ...channels
    .filter((c) => c.status === 'recovering' && isLate(c, seen.atMs))
    .map((c) => `${c.id} is being recovered: ${lastGopInWords(c, seen.atMs)}.`),
  ...channels.flatMap((channel) => {
    const gone = goneRungs(seen, channel);
    return gone.length === 0
      ? []
      : [
          `${channel.id} is on air without ${gone.join(', ')}, which it should always have: no encoder has room for ` +
            'it. Add an encoder, or remove channels.',
        ];
  }),
];

/** What a recovery left out, as no encoder had room for all. */
const goneRungs = (seen: Observation, { id, status, rungs }: ChannelStatus): string[] => {
  const spec = seen.swarm?.channels.find((channel) => channel.id === id);
  const movedLately = seen.moves.some(
    (move) => move.channelId === id && seen.atMs - move.requestedAtMs < LADDER_GRACE_MS,
  );
  if (!spec || status !== 'on-air' || rungs.length === 0 || movedLately) return [];
  const always = spec.ladder.slice(0, alwaysOnRungs(spec));
  return always.map(({ name }) => name).filter((name) => !rungs.includes(name));
};

const lastGopInWords = ({ lastPublishedAtMs }: ChannelStatus, atMs: number): string =>
  `its last GOP came ${lastPublishedAtMs === null ? '?' : ((atMs - lastPublishedAtMs) / 1000).toFixed(0)} s ago`;
