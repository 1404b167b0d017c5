import type { ChannelStatus, EncoderStatus, Missing } from '../contracts/api';
import { storageProblems } from '../contracts/health';
import { sentence, unmetInWords, type Plan } from '../domain';
import type { EndedWorkflow } from '../temporal/ended-workflows';
import { channelProblems } from './channel-problems';
import { isComingOnAir, isLate } from './coming-on-air';
import { endInWords, swarmEndInWords } from './end-problems';
import { inputProblems } from './input-problems';
import type { Observation } from './observe';

const UNRESOLVED_AFTER_MS = 60_000;
/** A host that is started, or started again, is not silent before that. */
const STARTING_GRACE_MS = 10_000;

/** Parts by the name that readings give them: what people call them, and what their silence means. */
const PARTS: Partial<Record<string, readonly [name: string, effect: string]>> = {
  temporal: ['Temporal', 'Channels stay on air; moves, recoveries and commands wait for it.'],
  influxdb: ['InfluxDB', 'Channels stay on air; plans go on with the last audience that was read.'],
  origin: ['The origin', 'What is on air can not be told.'],
  source: ['The source', 'What inputs do can not be told.'],
  fleet: ['The fleet', 'The encoders that are known go on; none is added.'],
};

/** What an operator should look at, worst first, each as one sentence. */
export const problemsOf = (
  seen: Observation,
  encoders: readonly EncoderStatus[],
  channels: readonly ChannelStatus[],
): string[] => [
  ...seen.missing.flatMap(silentInWords),
  ...(seen.swarmEnd ? [swarmEndInWords(seen.swarmEnd)] : []),
  ...endsOf(seen).map(endInWords),
  ...seen.storage.flatMap(storageProblems),
  ...channelProblems(seen, channels),
  ...inputProblems(seen, channels),
  ...seen.moves.flatMap((m) => {
    if (m.outcome === 'unresolved') return [`A ${m.kind} of ${m.channelId} is unresolved: ${m.workflowId}.`];
    const runsForMs = seen.atMs - m.requestedAtMs;
    return m.outcome === 'running' && runsForMs > UNRESOLVED_AFTER_MS
      ? [
          `A ${m.kind} of ${m.channelId} has been running for ${Math.round(runsForMs / 1000)} s: ${m.workflowId}.`,
        ]
      : [];
  }),
  ...encoders
    .filter((e) => !e.reachable && !isStarting(e, seen))
    .map((e) => `${e.id} does not answer (${e.fleetState}).`),
  ...encoders
    .filter((e) => e.load === 'overloaded')
    .map((e) => `${e.id} is overloaded: ${units(e.unitsUsed)} units used, limit ${units(e.limitUnits)}.`),
  ...encoders
    .filter((e) => e.load === 'at-risk')
    .map(
      (e) => `${e.id} is at risk: P90 of ${units(e.forecastP90Units)} units, limit ${units(e.limitUnits)}.`,
    ),
  ...unmetOf(seen, channels).map((unmet) => `Not planned for: ${unmetInWords(unmet)}`),
];

/** What ended of the swarm as it is: a channel that was removed may have ended in any way. */
const endsOf = ({ ends, swarm }: Observation): EndedWorkflow[] =>
  ends.filter(
    ({ kind, channelId }) => kind === 'versions' || swarm?.channels.some(({ id }) => id === channelId),
  );

/** Started for the first time, or with another build by a rollout. One that ended by itself is silent at once. */
const isStarting = ({ id, fleetState, restarts, cordoned }: EncoderStatus, seen: Observation): boolean => {
  if (restarts > 0) return false;
  const { startedAtMs = 0 } = seen.fleet.find((member) => member.id === id) ?? {};
  if (fleetState === 'starting') return seen.atMs - startedAtMs < STARTING_GRACE_MS;
  return fleetState === 'restarting' && cordoned;
};

/**
 * Nobody encodes a channel, said the plan. It is no problem while its GOPs come all the same (its encoder was silent for a
 * moment), while it is coming on air, and once it was removed.
 */
const unmetOf = (
  { swarm, sources, atMs }: Observation,
  channels: readonly ChannelStatus[],
): Plan['unmet'] => {
  const unmet = swarm?.lastCycle?.plan.unmet ?? [];
  return unmet.filter(({ channelId, isOffAir }) => {
    const channel = channels.find(({ id }) => id === channelId);
    if (!channel) return channelId === undefined;
    if (!isOffAir) return true;
    const source = sources?.find(({ id }) => id === channelId);
    return isLate(channel, atMs) && !isComingOnAir(source, channel.gopDurationTicks ?? 0, atMs);
  });
};

/** A part that does not answer, and what that means; silent encoders are named one by one. */
const silentInWords = ({ part, message }: Missing): string[] => {
  const known = PARTS[part];
  if (!known) return [];
  const [name, effect] = known;
  return [`${name} does not answer: ${sentence(message)} ${effect}`];
};

const units = (value: number | null): string => (value === null ? '?' : value.toFixed(1));
