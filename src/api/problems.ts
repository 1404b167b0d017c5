import type { ChannelStatus, EncoderStatus, Missing } from '../contracts/api';
import { storageProblems } from '../contracts/health';
import { sentence, unmetInWords } from '../domain';
import type { SwarmEnd } from '../temporal/swarm-run';
import type { Observation } from './observe';

const UNRESOLVED_AFTER_MS = 60_000;
/** An input takes a moment to be opened; one that takes longer is worth a look. */
const OPENING_GRACE_MS = 3_000;

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
  ...seen.storage.flatMap(storageProblems),
  ...channels.filter((c) => c.status === 'off-air').map((c) => `${c.id} is off air: no encoder owns it.`),
  ...channels
    .filter((c) => c.status === 'late')
    .map((c) => `${c.id} is late: its last GOP came ${secondsSince(seen.atMs, c.lastPublishedAtMs)} s ago.`),
  ...channels.flatMap(({ id, source }) => {
    if (!source || source.state === 'running') return [];
    const startedAtMs = seen.sources?.find((s) => s.id === id)?.startedAtMs ?? 0;
    if (source.state === 'opening' && seen.atMs - startedAtMs < OPENING_GRACE_MS) return [];
    return [inputInWords(id, source)];
  }),
  ...seen.moves.flatMap((m) => {
    if (m.outcome === 'unresolved') return [`A ${m.kind} of ${m.channelId} is unresolved: ${m.workflowId}.`];
    const runsForMs = seen.atMs - m.requestedAtMs;
    return m.outcome === 'running' && runsForMs > UNRESOLVED_AFTER_MS
      ? [
          `A ${m.kind} of ${m.channelId} has been running for ${Math.round(runsForMs / 1000)} s: ${m.workflowId}.`,
        ]
      : [];
  }),
  ...encoders.filter((e) => !e.reachable).map((e) => `${e.id} does not answer (${e.fleetState}).`),
  ...encoders
    .filter((e) => e.load === 'overloaded')
    .map((e) => `${e.id} is overloaded: ${units(e.unitsUsed)} units used, limit ${units(e.limitUnits)}.`),
  ...encoders
    .filter((e) => e.load === 'at-risk')
    .map(
      (e) => `${e.id} is at risk: P90 of ${units(e.forecastP90Units)} units, limit ${units(e.limitUnits)}.`,
    ),
  ...(seen.swarm?.lastCycle?.plan.unmet ?? []).map((unmet) => `Not planned for: ${unmetInWords(unmet)}`),
];

/** A part that does not answer, and what that means; silent encoders are named one by one. */
const silentInWords = ({ part, message }: Missing): string[] => {
  const known = PARTS[part];
  if (!known) return [];
  const [name, effect] = known;
  return [`${name} does not answer: ${sentence(message)} ${effect}`];
};

const ENDS: Record<SwarmEnd['status'], string> = {
  TERMINATED: 'was terminated',
  FAILED: 'has failed',
  TIMED_OUT: 'ran into a time limit',
  CANCELLED: 'was cancelled',
  COMPLETED: 'has ended',
};

/** The workflow that plans, and by which encoders that are lost are answered. */
const swarmEndInWords = ({ status }: SwarmEnd): string =>
  `The workflow of the swarm ${ENDS[status]}: channels stay on air, but nothing is planned, and what a lost encoder ` +
  `carried is not recovered. ${
    status === 'CANCELLED' ? 'Start the swarm again.' : 'The worker starts it again with all its channels.'
  }`;

/** Why a channel's input brings nothing. */
export const inputInWords = (
  channelId: string,
  { state, error }: NonNullable<ChannelStatus['source']>,
): string => {
  const what =
    state === 'opening'
      ? `The input of ${channelId} has not answered yet; it is tried until it does`
      : `The input of ${channelId} has ${state}`;
  return sentence(error === undefined ? what : `${what}: ${error}`);
};

const units = (value: number | null): string => (value === null ? '?' : value.toFixed(1));
const secondsSince = (nowMs: number, thenMs: number | null): string =>
  thenMs === null ? '?' : ((nowMs - thenMs) / 1000).toFixed(0);
