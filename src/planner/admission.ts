import type {
  CellForecast,
  ChannelObservation,
  ChannelSpec,
  EncoderObservation,
  Policy,
  Rendition,
  SwarmSnapshot,
} from '../domain';
import { fitnessOf } from '../fitness';
import { chooseTarget } from './choose-target';
import { fillRejectionOf, hasSessionLeft, pinBreachOf } from './constraints';
import { toUnits } from './quanta';
import { filledUp, recoveryAttempts } from './recovery-attempts';
import { SwarmTracker } from './swarm-tracker';

/** What would become of a channel if it were added now. */
export type Admission =
  /** An encoder has room for it. */
  | { kind: 'room'; encoderId: string }
  /** None has now. */
  | { kind: 'waits'; why: string }
  /** None could ever take this rendition of it with those before, not even if it were empty. */
  | { kind: 'never'; rendition: Rendition; rungs: number; neededUnits: number; barrier: Barrier };

/** Why no encoder is enough: the largest of those that may take it has so many units, or none may, and why. */
export type Barrier = { kind: 'size'; largestUnits: number } | { kind: 'place'; why: string };

export interface AdmissionRequest {
  /** Without the channel. */
  snapshot: SwarmSnapshot;
  spec: ChannelSpec;
  forecast: CellForecast | null;
  policy: Policy;
  /** False where there are encoders of which is not known yet what they are: then nothing is called impossible. */
  isFleetKnown: boolean;
}

/** An encoder as it would be without work, and if nothing were wrong with it. */
const emptied = ({ telemetry: _, ...encoder }: EncoderObservation): EncoderObservation => ({
  ...encoder,
  reachable: true,
  cordoned: false,
  draining: false,
});

const newcomer = (spec: ChannelSpec): ChannelObservation => ({
  spec,
  owner: null,
  token: 0,
  nextGop: 0,
  lastPublishedAtMs: null,
  rungs: 1,
  viewers: 0,
  moving: false,
  movedAtMs: null,
});

/** A build can be changed on any encoder: a pin to one rules none out for ever. */
const withoutBuildPin = ({ placement, ...spec }: ChannelSpec): ChannelSpec => {
  if (!placement) return spec;
  const { buildId: _, ...rest } = placement;
  return { ...spec, placement: rest };
};

/** The first rendition, with those before it, that no encoder could take; null where each could be taken. */
const neverTaken = ({ snapshot, spec: given, policy }: AdmissionRequest): Admission | null => {
  const spec = withoutBuildPin(given);
  const tracker = new SwarmTracker(null, filledUp(policy));
  const encoders = snapshot.encoders.map(emptied);
  tracker.read({ atMs: snapshot.atMs, encoders, channels: [newcomer(spec)] });
  const { table, placements } = tracker;
  const slot = table.channels.slotOf(spec.id);
  const all = table.encoders.inOrder();
  const permitted = all.filter((e) => pinBreachOf(table, e, slot) === null && hasSessionLeft(table, e));
  for (let rungs = 1; rungs <= spec.ladder.length; rungs++) {
    placements.removeWith(slot, rungs);
    if (permitted.some((e) => fillRejectionOf(table, e, slot, 'capacity') === null)) continue;
    const first = all[0];
    const barrier: Barrier =
      permitted.length > 0
        ? { kind: 'size', largestUnits: Math.max(...permitted.map((e) => toUnits(table.capacityOf[e]!))) }
        : {
            kind: 'place',
            why:
              first === undefined
                ? 'there is none'
                : `${table.encoders.idOf(first)} ${pinBreachOf(table, first, slot) ?? 'takes no session'}`,
          };
    const neededUnits = toUnits(table.peakOf[slot]!);
    return { kind: 'never', rendition: spec.ladder[rungs - 1]!, rungs, neededUnits, barrier };
  }
  return null;
};

/**
 * What would become of a channel if it were added now: what the recovery that puts it on air would find, by the same
 * attempts and the same costs. Pure.
 */
export const admissionOf = (request: AdmissionRequest): Admission => {
  const { snapshot, spec, forecast, policy, isFleetKnown } = request;
  const never = isFleetKnown ? neverTaken(request) : null;
  if (never) return never;
  const withIt = { ...snapshot, channels: [...snapshot.channels, newcomer(spec)] };
  let why = '';
  for (const attempt of recoveryAttempts(policy, 1)) {
    const fitness = fitnessOf(withIt, forecast, attempt.policy);
    const { rungs } = attempt;
    const answer = chooseTarget(withIt, forecast, fitness, attempt.policy, { channelId: spec.id, rungs });
    if (answer.ok) return { kind: 'room', encoderId: answer.encoderId };
    why = answer.message;
  }
  return { kind: 'waits', why };
};
