import {
  channelControl,
  channelWorkflowId,
  rolloutControl,
  rolloutPolicySchema,
  rolloutWorkflowId,
  swarmControl,
  swarmWorkflowId,
} from '../../../src/domain';
import { rollout } from '../../../workflows/versions/rollout';
import type { BuildName } from './fleet-model';
import { brokenInvariants } from './invariants';
import type { Fault, Step } from './network-model';
import { brokenRolloutInvariants } from './rollout-invariants';
import { CELL, World, isMove, isRollout, type Sabotage, type WorldOptions } from './world';

/**
 * So long after a move was asked for, or a rollout has ended, late deliveries, restarts, the move and at least one
 * control cycle are over: a world that is in order stays so.
 */
const LOOK_AFTER_MOVE_MS = 50_000;
const LOOK_AFTER_ROLLOUT_MS = 25_000;
/** All that a saga may have left behind is found and repaired by then: an orphan is one 60 s after it was seen. */
const SETTLED_AFTER_MS = 240_000;
/** Activities of a rollout give up after three minutes each, and then it goes back. */
const ROLLOUT_WITHIN_MS = 1_200_000;
const OPERATOR_LOOKS_EVERY_MS = 5_000;

/**
 * - rollout, rollback: of a good and of a bad build, on two encoders with a channel each; faults on the calls of the
 *   rollout itself, its upgrades and drains;
 * - rollout-moves: of a good build, with faults also on the calls of the handoffs that it asks for.
 */
export const scenarios = ['handoff', 'recovery', 'rollout', 'rollback', 'rollout-moves'] as const;
export type Scenario = (typeof scenarios)[number];

interface Script {
  options: WorldOptions;
  lookAfterMs: number;
  /** Begins it; resolves when it is time to look at what became of it. */
  perform: (world: World) => Promise<void>;
}

/** As few comparisons as a verdict can do with. */
const policy = rolloutPolicySchema.parse({
  soakSeconds: 0,
  askAfterSeconds: 60,
  compareSeconds: 0.5,
  qualityEvery: 1,
  falseAlarmRate: 0.2,
  falseGoodRate: 0.5,
});

/** @returns the request that begins a rollout */
export const rolloutRequest = (buildId: BuildName, requestId: string) => ({
  buildId,
  requestId,
  requestedBy: 'the test',
  policy,
});

/** Rolls a build out; whoever is asked lets a good one go on and takes a bad one back. */
const rollOut =
  (buildId: BuildName) =>
  async ({ temporal, clock }: World): Promise<void> => {
    const id = rolloutWorkflowId(CELL);
    const run = temporal.start(rollout, id, [{ cell: CELL, request: rolloutRequest(buildId, 'r-1') }]);
    const endMs = clock.nowMs + ROLLOUT_WITHIN_MS;
    const decision = buildId === 'bad' ? 'roll-back' : 'continue';
    while (run.status === 'running' && clock.nowMs < endMs) {
      await clock.runUntil(clock.nowMs + OPERATOR_LOOKS_EVERY_MS);
      const { phase } = temporal.query(id, rolloutControl.state) as { phase: string };
      if (phase === 'holding') {
        temporal.update(id, rolloutControl.decide, [{ requestedBy: 'the test', decision }]);
      }
    }
  };

const rolloutScript = (buildId: BuildName, isSaga: (workflowId: string) => boolean): Script => ({
  options: { channels: 2, encoders: 2, withBuilds: true, isSaga },
  lookAfterMs: LOOK_AFTER_ROLLOUT_MS,
  perform: rollOut(buildId),
});

const scripts: Record<Scenario, Script> = {
  handoff: {
    options: {},
    lookAfterMs: LOOK_AFTER_MOVE_MS,
    perform: async ({ temporal, clock }) => {
      temporal.update(channelWorkflowId('ch-1'), channelControl.move, [
        { requestId: 'r-1', reason: 'operator', requestedBy: 'the test', requestedAtMs: clock.nowMs },
      ]);
    },
  },
  recovery: {
    options: {},
    lookAfterMs: LOOK_AFTER_MOVE_MS,
    perform: async (world) => {
      world.encoder('enc-1').crash(30_000);
      world.temporal.signal(swarmWorkflowId(CELL), swarmControl.encoderLost, {
        encoderId: 'enc-1',
        evidence: 'killed by the test',
        atMs: world.clock.nowMs,
      });
    },
  },
  rollout: rolloutScript('newer', isRollout),
  rollback: rolloutScript('bad', isRollout),
  'rollout-moves': rolloutScript('newer', (id) => isRollout(id) || isMove(id)),
};

export interface RunResult {
  broken: string[];
  steps: Step[];
  happened: string[];
  /** Workflow id and outcome of every saga. */
  outcomes: string[];
  /** All that can be told of the world in the end, but for what was asked by whom. */
  digest: () => string;
}

/** Runs a scenario with faults, in virtual time, and says which invariants are broken in the end. */
export const runScenario = (
  scenario: Scenario,
  faults: readonly Fault[],
  sabotage?: Sabotage,
): Promise<RunResult> => {
  const { options, lookAfterMs, perform } = scripts[scenario];
  return World.run({ ...options, faults, ...(sabotage && { sabotage }) }, async (world) => {
    const { clock, network } = world;
    await perform(world);
    const endedMs = clock.nowMs;
    await clock.runUntil(endedMs + lookAfterMs);
    const look = (): string[] => [...brokenInvariants(world), ...brokenRolloutInvariants(world)];
    let broken = look();
    if (broken.length > 0) {
      await clock.runUntil(endedMs + SETTLED_AFTER_MS);
      broken = look();
    }
    const { sagas, rollout: last } = world;
    const outcomes = sagas.map((saga) => `${saga.workflowId} ${String(saga.attributes.get('SwarmOutcome'))}`);
    if (last) outcomes.push(`${last.run.workflowId} ${last.state.phase}`);
    return {
      broken,
      steps: network.steps,
      happened: network.happened,
      outcomes,
      digest: () => digestOf(world),
    };
  });
};

const digestOf = ({ network, origin, encoders, temporal }: World): string =>
  JSON.stringify([
    network.steps.map(({ atMs, activity, what }) => [atMs, activity, what]),
    [...origin.channels.values()].map(({ accepted, grants, state }) => [accepted, grants, state]),
    encoders.map(({ info, life, sessions }) => [info, life, [...sessions.values()].map((s) => s.info)]),
    [...temporal.runs.values()].map(({ workflowId, status, result, details }) => [
      workflowId,
      status,
      result,
      details,
    ]),
  ]);
