import {
  channelControl,
  channelWithDefaults,
  channelWorkflowId,
  rolloutControl,
  rolloutWorkflowId,
  swarmControl,
  swarmWorkflowId,
  versionsControl,
  versionsWorkflowId,
} from '../../../src/domain';
import { rollout } from '../../../workflows/versions/rollout';
import fc from '../../support/fast-check';
import type { BuildName } from './fleet-model';
import { brokenInvariants } from './invariants';
import { faultKinds, type FaultKind } from './network-model';
import { brokenBuildInvariants } from './rollout-invariants';
import { rolloutRequest } from './scenarios';
import { CELL, World, isMove, isRollout } from './world';

/** Something that happens to a swarm of three channels on three encoders. */
export type Happening =
  | { do: 'wait'; ms: number }
  | { do: 'add' | 'remove' | 'handoff'; channel: number }
  | { do: 'move'; channel: number; encoder: number }
  | { do: 'kill' | 'cordon' | 'uncordon' | 'drain'; encoder: number }
  | { do: 'kill-origin' | 'kill-relay' | 'kill-worker' | 'kill-fleet' | 'kill-temporal' }
  | { do: 'rollout' | 'target'; build: BuildName }
  | { do: 'pause' | 'resume' | 'abort' }
  | { do: 'fault'; afterSteps: number; kind: FaultKind };

const CHANNELS = 4;
const channel = fc.integer({ min: 1, max: CHANNELS });
const encoder = fc.integer({ min: 1, max: 3 });
const build = fc.constantFrom<BuildName[]>('older', 'newer', 'bad');
const of = <D extends string>(name: D): fc.Arbitrary<D> => fc.constant(name);

/** Histories shrink to fewer and earlier happenings. */
export const histories = (maxLength: number): fc.Arbitrary<Happening[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: of('wait'), ms: fc.integer({ min: 0, max: 6_000 }) }) },
      { weight: 3, arbitrary: fc.record({ do: of('handoff'), channel }) },
      { weight: 3, arbitrary: fc.record({ do: of('move'), channel, encoder }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constantFrom('add' as const, 'remove' as const), channel }),
      },
      { weight: 2, arbitrary: fc.record({ do: of('kill'), encoder }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constantFrom('cordon' as const, 'uncordon' as const, 'drain' as const),
          encoder,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom(
            'kill-origin' as const,
            'kill-relay' as const,
            'kill-worker' as const,
            'kill-fleet' as const,
            'kill-temporal' as const,
          ),
        }),
      },
      { weight: 3, arbitrary: fc.record({ do: of('rollout'), build }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: of('target'),
          build: fc.constantFrom('older' as const, 'newer' as const),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('pause' as const, 'resume' as const, 'abort' as const),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: of('fault'),
          afterSteps: fc.integer({ min: 1, max: 12 }),
          kind: fc.constantFrom(...faultKinds),
        }),
      },
    ),
    { minLength: 1, maxLength },
  );

const happen = (world: World, what: Happening): Promise<void> | void => {
  const { clock, temporal, network } = world;
  const swarm = swarmWorkflowId(CELL);
  const ask = (workflowId: string, update: string, args: unknown[]): void => {
    try {
      temporal.update(workflowId, update, args);
    } catch {
      // Refused: an operator may ask for what makes no sense.
    }
  };
  const requestId = temporal.nextId('asked');
  const request = { requestId, reason: 'operator', requestedBy: 'history', requestedAtMs: clock.nowMs };
  switch (what.do) {
    case 'wait':
      return clock.runUntil(clock.nowMs + what.ms);
    case 'add':
      return ask(swarm, swarmControl.addChannel, [channelWithDefaults(`ch-${what.channel}`)]);
    case 'remove':
      return ask(swarm, swarmControl.removeChannel, [`ch-${what.channel}`]);
    case 'handoff':
      return ask(channelWorkflowId(`ch-${what.channel}`), channelControl.move, [request]);
    case 'move':
      return ask(channelWorkflowId(`ch-${what.channel}`), channelControl.move, [
        { ...request, toEncoderId: `enc-${what.encoder}` },
      ]);
    case 'kill': {
      const encoderId = `enc-${what.encoder}`;
      world.encoder(encoderId).crash();
      temporal.signal(swarm, swarmControl.encoderLost, { encoderId, evidence: 'killed', atMs: clock.nowMs });
      return;
    }
    case 'cordon':
    case 'uncordon':
    case 'drain':
      return ask(swarm, swarmControl[what.do], [
        { encoderId: `enc-${what.encoder}`, requestedBy: 'history' },
      ]);
    case 'kill-origin':
      return world.origin.crash();
    case 'kill-relay':
      return world.relay.crash();
    case 'kill-worker':
      return temporal.killWorker();
    case 'kill-fleet':
      return world.fleet.crash();
    case 'kill-temporal':
      return world.temporalServer.crash();
    case 'rollout': {
      const request = rolloutRequest(what.build, requestId);
      if (world.rollout?.run.status === 'running') return;
      return void temporal.start(rollout, rolloutWorkflowId(CELL), [{ cell: CELL, request }]);
    }
    case 'target':
      return ask(versionsWorkflowId(CELL), versionsControl.setTarget, [
        { buildId: what.build, requestedBy: 'history' },
      ]);
    case 'pause':
    case 'resume':
    case 'abort':
      return ask(rolloutWorkflowId(CELL), rolloutControl[what.do], [{ requestedBy: 'history' }]);
    case 'fault':
      return network.faultAfter(what.afterSteps, what.kind);
  }
};

/** Rollouts and changes of build that are under way have ended by then, whatever they met. */
const ENDED_WITHIN_MS = 1_500_000;
const LOOK_EVERY_MS = 10_000;

/** Answers for the people who would be asked: what waits goes on, what is undecided goes back. */
const answer = async (world: World): Promise<void> => {
  await happen(world, { do: 'resume' });
  if (world.rollout?.state.phase !== 'holding' || world.rollout.run.status !== 'running') return;
  world.temporal.update(rolloutWorkflowId(CELL), rolloutControl.decide, [
    { requestedBy: 'history', decision: 'roll-back' },
  ]);
};

export interface HistoryResult {
  /** Invariants that are broken. */
  broken: string[];
  /** How often moves and rollouts ended how. */
  outcomes: Record<string, number>;
}

const outcomesIn = (world: World): Record<string, number> => {
  const outcomes: Record<string, number> = {};
  for (const { workflowId, attributes } of world.ended) {
    const outcome = `${workflowId.split('/')[0]} ${String(attributes.get('SwarmOutcome'))}`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
};

/** Lets a history happen, lifts the cordons, waits until all has settled. */
export const runHistory = (history: readonly Happening[]): Promise<HistoryResult> => {
  const isSaga = (workflowId: string): boolean => isMove(workflowId) || isRollout(workflowId);
  return World.run({ channels: 3, withBuilds: true, isSaga }, async (world) => {
    const { clock } = world;
    for (const what of history) await happen(world, what);
    await clock.runUntil(clock.nowMs + 30_000);
    for (const encoder of [1, 2, 3]) await happen(world, { do: 'uncordon', encoder });
    const endMs = clock.nowMs + ENDED_WITHIN_MS;
    while (clock.nowMs < endMs && isUnderWay(world)) {
      await answer(world);
      await clock.runUntil(clock.nowMs + LOOK_EVERY_MS);
    }
    await clock.runUntil(clock.nowMs + 170_000);
    const broken = [...brokenInvariants(world), ...brokenBuildInvariants(world)];
    return { broken, outcomes: outcomesIn(world) };
  });
};

/** Some encoder is being brought to a build, or should be. */
const isUnderWay = (world: World): boolean =>
  [...world.temporal.runs.values()].some((run) => isRollout(run.workflowId) && run.status === 'running') ||
  world.encoders.some(({ build }) => build?.buildId !== world.versions.targetBuildId);
