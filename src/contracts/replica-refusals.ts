import { SwarmError, type ErrorCode } from '../domain';

/**
 * Refusals of a part with replicas that say something about this one alone: it is away or ends, its disk is full, it has no
 * room for a channel. The next one may answer otherwise. All others are of what was asked, and given by what is in force
 * with all replicas (docs/decisions/0043); `ledger-unavailable` is about the relay, which is the same for each.
 */
const OF_ONE_REPLICA: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unavailable',
  'timeout',
  'internal',
  'storage-full',
  'at-capacity-limit',
]);

/** Whether another replica should be asked. Where all refuse, the refusal of the last one is told. */
export const isOfOneReplica = (error: unknown): boolean =>
  error instanceof SwarmError && OF_ONE_REPLICA.has(error.code);

const LEADER_AWAY = 'leader-away';

/** A replica's refusal of what it passed on to the one that leads the channel, and got no answer to. */
export const leaderAway = (leader: string, why: string): SwarmError =>
  new SwarmError(
    'unavailable',
    `The origin ${leader}, which leads the channel, does not answer: ${why}.`,
    'Ask again, best at the same origin: it takes the lead now.',
    { cause: LEADER_AWAY },
  );

/** Whoever is told so asks the same replica again at once, instead of the next one, which might be the one that is away. */
export const isLeaderAway = (error: unknown): boolean =>
  error instanceof SwarmError && error.code === 'unavailable' && error.details?.cause === LEADER_AWAY;
