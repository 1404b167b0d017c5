import type { ChannelAdded, ChannelStatus } from '../contracts/api';
import {
  SwarmError,
  policySchema,
  rateInWords,
  renditionUnits,
  rungsFor,
  sentence,
  type ChannelObservation,
  type ChannelSpec,
  type EncoderObservation,
  type SwarmSnapshot,
} from '../domain';
import { admissionOf, type Admission } from '../planner';
import { onAirWithinSeconds } from './coming-on-air';
import { inputInWords } from './input-problems';
import type { Observation } from './observe';

type OnAir = ChannelAdded['onAir'];
type Never = Extract<Admission, { kind: 'never' }>;
type SourceState = NonNullable<ChannelStatus['source']>;

/** Encoders that have said what they are, as a plan sees them. */
const encodersIn = (seen: Observation): EncoderObservation[] =>
  seen.fleet.flatMap(({ id }) => {
    const { info, telemetry } = seen.encoders[id] ?? {};
    if (!info) return [];
    const cordon = seen.swarm?.cordons[id];
    return [
      {
        ...info,
        reachable: Boolean(telemetry),
        cordoned: cordon !== undefined,
        draining: cordon?.draining ?? false,
        troubles: 0,
        ...(telemetry && { telemetry }),
      },
    ];
  });

const channelIn = (seen: Observation, spec: ChannelSpec): ChannelObservation[] => {
  const atOrigin = seen.origin?.find(({ id }) => id === spec.id);
  if (!atOrigin) return [];
  const { owner, token, nextGop, lastPublishedAtMs } = atOrigin;
  const sessions = seen.encoders[owner?.encoderId ?? '']?.telemetry?.sessions;
  const session = sessions?.find(({ sessionId }) => sessionId === owner?.sessionId);
  const rungs = Math.max(1, session?.renditions.length ?? 1);
  // An audience that was never heard of is one that keeps the ladder as it is.
  const keepsLadder = rungsFor(spec, 0) >= rungs ? 0 : (spec.viewersPerRung[rungs - 2] ?? 0);
  const viewers = seen.viewers[spec.id] ?? keepsLadder;
  const moving = seen.moves.some((m) => m.channelId === spec.id && m.outcome === 'running');
  return [{ spec, owner, token, nextGop, lastPublishedAtMs, rungs, viewers, moving, movedAtMs: null }];
};

const snapshotOf = (seen: Observation, cell: string): SwarmSnapshot => ({
  cell,
  atMs: seen.atMs,
  encoders: encodersIn(seen),
  channels: (seen.swarm?.channels ?? []).flatMap((spec) => channelIn(seen, spec)),
});

const units = (value: number): string => `${Number(value.toFixed(1))} units`;

const refusalOf = (spec: ChannelSpec, { rendition, rungs, neededUnits, barrier }: Never): SwarmError => {
  const { name, widthPx, heightPx } = rendition;
  const before = rungs === 1 ? '' : ', with the renditions before it';
  const what = `${name} of ${spec.id} (${widthPx}x${heightPx} at ${rateInWords(spec.framesPerSecond)})`;
  const details = { rendition: name, neededUnits };
  if (barrier.kind === 'place') {
    return new SwarmError(
      'unplaceable',
      `No encoder of the swarm could ever take ${spec.id}: ${barrier.why}.`,
      'Give it a region, pins and codecs that an encoder has (see `encoder-swarm status --json`), or add such an encoder first.',
      details,
    );
  }
  const own = renditionUnits(rendition, spec.framesPerSecond);
  return new SwarmError(
    'unplaceable',
    `No encoder of the swarm could ever take ${what}: it needs ${units(neededUnits)}${before}, and the largest encoder ` +
      `that may take it has ${units(barrier.largestUnits)}.`,
    `Make its pictures smaller or fewer (${name} alone needs ${units(own)}; 320x180 at 25 pictures/s is one unit), ` +
      `leave it out of the ladder, or add an encoder of ${units(Math.ceil(neededUnits))} or more first.`,
    { ...details, largestUnits: barrier.largestUnits },
  );
};

/**
 * What stands in the way of a channel that is about to be added, as the planner judges it; null where nothing does.
 * @throws SwarmError unplaceable where no encoder of the swarm could ever take one of its renditions
 */
export const requirePlaceable = (seen: Observation, spec: ChannelSpec, cell: string): string | null => {
  // Whether the swarm is there at all, the command itself finds out.
  if (!seen.swarm) return null;
  const snapshot = snapshotOf(seen, cell);
  const isFleetKnown = snapshot.encoders.length > 0 && snapshot.encoders.length === seen.fleet.length;
  const policy = policySchema.parse(seen.swarm.policy);
  const admission = admissionOf({ snapshot, spec, forecast: seen.forecast, policy, isFleetKnown });
  if (admission.kind === 'never') throw refusalOf(spec, admission);
  if (admission.kind === 'room') return null;
  const why = snapshot.encoders.length === 0 ? 'No encoder answers yet' : admission.why;
  return (
    `${sentence(why)} It comes on air as soon as one has room: remove channels, uncordon an encoder or add one, if ` +
    'the swarm does not by itself.'
  );
};

/** When a channel that was just added will be on air, or what stands in the way. */
export const onAirOf = (
  spec: ChannelSpec,
  { obstacle, source }: { obstacle: string | null; source: SourceState | undefined },
): OnAir => {
  const input =
    source === undefined || source.state === 'running'
      ? null
      : source.state === 'opening'
        ? inputInWords(spec.id, source)
        : `${inputInWords(spec.id, source)} It is tried again until it comes back.`;
  const inTheWay = [input, obstacle].filter((text) => text !== null);
  const seconds = onAirWithinSeconds(spec.gopDurationTicks);
  return { withinSeconds: inTheWay.length === 0 ? seconds : null, inTheWay };
};
