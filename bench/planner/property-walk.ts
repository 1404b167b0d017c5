import {
  policySchema,
  seededRandom,
  type CellForecast,
  type ChannelObservation,
  type Plan,
  type Policy,
  type SwarmSnapshot,
} from '../../src/domain';
import { FitnessEvaluator } from '../../src/fitness';
import { chooseTarget, createPlanner, makePlan, deservedRungs } from '../../src/planner';
import { pick } from '../lib/statistics';
import { ChangingFleet } from './changing-fleet';
import { fleetOf, withSessions } from './instances';
import { PlacementAudit } from './placement-audit';

/** A fleet of its own per walk, so that a failing one is repeated alone. */
export const STEPS_PER_WALK = 40;
/** One plan in this many is also made from the whole snapshot, and must be the same. */
const COMPARED_EVERY = 20;
/** At one step in this many a target is asked for, as by an operator or for a channel that was lost. */
const ASKED_EVERY = 5;
/** One walk in this many begins with the mates of a redundancy group in one zone. */
const TOGETHER_EVERY = 4;

/** Spoils what the planner says before it is judged, to show that a fault would be found. */
export interface Sabotage {
  plan?: (plan: Plan, snapshot: SwarmSnapshot) => Plan;
  /** @param encoderId the target that was chosen for a channel */
  target?: (encoderId: string, channelId: string, snapshot: SwarmSnapshot) => string;
}

export interface WalkResult {
  steps: number;
  moves: number;
  /** Steps at which nothing had changed on a healthy swarm. */
  unchangedSteps: number;
  faults: string[];
}

const policyOf = (random: () => number, encoders: number): Policy =>
  policySchema.parse({
    reserveFraction: pick(random, [0, 0.05, 0.1]),
    maxMovesPerCycle: pick(random, [1, 2, 5, 20]),
    maxMovesPerEncoder: pick(random, [1, 2, 4]),
    restSeconds: pick(random, [0, 30, 60]),
    scaleInStabilisationSeconds: pick(random, [0, 30, 60]),
    allowDiscontinuity: random() < 0.3,
    minEncoders: 1,
    maxEncoders: 2 * encoders,
  });

/** Encoders fall silent and come back, are cordoned and drained, and all that ends again. */
const disturb = (fleet: ChangingFleet, random: () => number): void => {
  if (random() >= 0.3) return;
  const { id, reachable, cordoned } = pick(random, fleet.snapshot.encoders);
  if (!reachable || cordoned) fleet.disturb(id, { reachable: true, cordoned: false, draining: false });
  else if (random() < 0.3) fleet.disturb(id, { reachable: false });
  else fleet.disturb(id, { cordoned: true, draining: random() < 0.5 });
};

/** The same swarm with the last mate of each redundancy group moved into the zone of the first. */
const withMatesTogether = (snapshot: SwarmSnapshot): SwarmSnapshot => {
  const groupOf = (c: ChannelObservation): string | undefined => c.spec.placement?.redundancyGroup;
  const zoneOf = (id: string | undefined): string | undefined =>
    snapshot.encoders.find((e) => e.id === id)?.zone;
  const channels = snapshot.channels.map((channel) => {
    const group = groupOf(channel);
    const first = snapshot.channels.find((c) => group !== undefined && groupOf(c) === group);
    if (!first || first === channel || !channel.owner) return channel;
    const zone = zoneOf(first.owner?.encoderId);
    const there = snapshot.encoders.filter((e) => e.zone === zone);
    const encoderId = (there.find((e) => e.id !== first.owner?.encoderId) ?? there[0])?.id;
    return encoderId === undefined ? channel : { ...channel, owner: { ...channel.owner, encoderId } };
  });
  const encoders = snapshot.encoders.map((e) =>
    withSessions(
      e,
      channels.filter((c) => c.owner?.encoderId === e.id),
      snapshot.atMs,
    ),
  );
  return { ...snapshot, channels, encoders };
};

/**
 * Walks a small random fleet through audiences and faults that change, carries out each plan, and holds every plan to
 * the constraints, to goal 1, to the rest times, and to doing nothing where nothing is wrong. The same seed and walk
 * give the same run.
 */
export const walk = (seed: number, number: number, sabotage: Sabotage = {}): WalkResult => {
  const random = seededRandom(seed * 1_000_003 + number);
  const encoders = 3 + Math.floor(random() * 4);
  const channels = encoders * (1 + Math.floor(random() * 3));
  const shape = {
    ...{ channels, encoders, regions: 1, zonesPerRegion: 2, horizonSteps: 4 },
    // One fleet in five is so full that not every overload can be repaired.
    ...{ utilisation: random() < 0.2 ? 0.85 + random() * 0.2 : 0.3 + random() * 0.5, limitFraction: 0.8 },
  };
  const { snapshot: found, forecast: first } = fleetOf(shape, random);
  const snapshot = number % TOGETHER_EVERY === TOGETHER_EVERY - 1 ? withMatesTogether(found) : found;
  const forecast: CellForecast = { ...first, channelUnits: { ...first.channelUnits } };
  const policy = policyOf(random, encoders);
  const evaluator = new FitnessEvaluator(forecast, policy);
  evaluator.update(snapshot);
  const planner = createPlanner(snapshot, forecast, evaluator.evaluate(), policy);
  const fleet = new ChangingFleet(snapshot, forecast.horizonSteps, random);
  const result: WalkResult = { steps: 0, moves: 0, unchangedSteps: 0, faults: [] };
  const movedAtMs = new Map<string, number>();
  // Of its own, so that what is asked changes nothing of where the walk leads.
  const asking = seededRandom(seed * 1_000_003 + number + 0.5);
  let lowDemandSinceMs: number | null = null;
  let plan = planner.plan({ lowDemandSinceMs });
  let isUnchanged = false;
  for (let step = 0; step < STEPS_PER_WALK; step++) {
    const now = step === 0 ? snapshot : fleet.snapshot;
    const made = plan;
    plan = sabotage.plan?.(made, now) ?? made;
    const audit = new PlacementAudit(now, forecast, policy);
    const fault = (what: string): number => result.faults.push(`walk ${number}, step ${step}: ${what}`);
    for (const found of audit.faults(plan)) fault(found);
    for (const { channelId, reason, fromEncoderId, toEncoderId } of plan.moves) {
      const before = movedAtMs.get(channelId);
      const rested = before === undefined || now.atMs - before >= policy.restSeconds * 1000;
      const inPlace = fromEncoderId === toEncoderId;
      if (!rested && reason !== 'drain' && !inPlace) fault(`${channelId} moves again within its rest time`);
      movedAtMs.set(channelId, now.atMs + CYCLE_MS);
    }
    const isHealthy =
      audit.excesses(audit.placement()).size === 0 &&
      audit.breaches(audit.placement()).length === 0 &&
      now.encoders.every((e) => e.reachable && !e.draining) &&
      now.channels.every((c) => c.rungs === deservedRungs(c));
    if (isHealthy && isUnchanged) {
      result.unchangedSteps += 1;
      // Emptying an encoder that is not needed is the one thing left to do.
      if (plan.scale.kind !== 'deprovision' && plan.moves.length > 0)
        fault(`${plan.moves.length} moves on a healthy swarm that did not change`);
    }
    if (step % ASKED_EVERY === 0) {
      const { spec, rungs } = pick(asking, now.channels);
      const request = { channelId: spec.id, rungs: Math.max(1, rungs) };
      const answer = chooseTarget(now, forecast, evaluator.evaluate(), policy, request);
      const target = answer.ok ? answer.encoderId : null;
      if (target !== null) {
        const judged = sabotage.target?.(target, spec.id, now) ?? target;
        for (const found of audit.faultsOfTarget(spec.id, judged)) fault(found);
      }
    }
    if (step % COMPARED_EVERY === 0) {
      const fromSnapshot = makePlan(now, forecast, evaluator.evaluate(), policy, { lowDemandSinceMs });
      if (JSON.stringify(fromSnapshot) !== JSON.stringify(made))
        fault('the plan of the whole snapshot is another one');
    }
    result.steps += 1;
    result.moves += plan.moves.length;

    isUnchanged = random() < 0.4;
    if (!isUnchanged) disturb(fleet, random);
    const share = isUnchanged ? 0 : pick(random, [0, 0.05, 0.2, 0.5]);
    // Carrying out a move changes the swarm too.
    isUnchanged &&= plan.moves.length === 0 && plan.scale.kind !== 'deprovision';
    const change = fleet.next(plan, share);
    Object.assign(forecast.channelUnits, change.channelUnits);
    evaluator.update(change);
    planner.update({ ...change, fitness: evaluator.evaluate() });
    ({ lowDemandSinceMs } = plan);
    plan = planner.plan({ lowDemandSinceMs });
  }
  return result;
};

/** Time between two steps of a ChangingFleet. */
const CYCLE_MS = 10_000;

/** Walks until this many steps have been made; ends at the first walk with a fault. */
export const walkFor = (
  seed: number,
  steps: number,
  options: { firstWalk?: number; onProgress?: (steps: number) => void } = {},
): WalkResult & { walks: number; failedWalk: number | null } => {
  const total: WalkResult = { steps: 0, moves: 0, unchangedSteps: 0, faults: [] };
  let number = options.firstWalk ?? 0;
  for (; total.steps < steps; number++) {
    const made = walk(seed, number);
    total.steps += made.steps;
    total.moves += made.moves;
    total.unchangedSteps += made.unchangedSteps;
    total.faults.push(...made.faults);
    if (made.faults.length > 0) break;
    if (number % 500 === 499) options.onProgress?.(total.steps);
  }
  return {
    ...total,
    walks: number - (options.firstWalk ?? 0),
    failedWalk: total.faults.length > 0 ? number : null,
  };
};

/** The command that makes a failing walk again, alone. */
export const repeatCommand = (seed: number, number: number): string =>
  `npm run bench:planner -- --properties ${STEPS_PER_WALK} --seed ${seed} --walk ${number}`;
