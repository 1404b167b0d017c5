import { channelControl, channelWorkflowId, swarmControl, swarmWorkflowId } from '../../../src/domain';
import { brokenInvariants } from './invariants';
import { faultKinds, type Fault, type FaultKind, type Step } from './network-model';
import { VirtualClock } from './virtual-clock';
import { CELL, World, type Sabotage } from './world';

/** Late deliveries, restarts and two control cycles are over by then: a world that is in order stays so. */
const LOOK_AFTER_MS = 50_000;
/** All that a saga may have left behind is found and mended by then: an orphan is one 60 s after it was seen. */
const SETTLED_AFTER_MS = 240_000;

export type Scenario = 'handoff' | 'recovery';

const begin: Record<Scenario, (world: World) => void> = {
  handoff: ({ temporal, clock }) => {
    temporal.update(channelWorkflowId('ch-1'), channelControl.move, [
      { requestId: 'r-1', reason: 'operator', requestedBy: 'the test', requestedAtMs: clock.nowMs },
    ]);
  },
  recovery: (world) => {
    world.encoder('enc-1').crash(30_000);
    world.temporal.signal(swarmWorkflowId(CELL), swarmControl.encoderLost, {
      encoderId: 'enc-1',
      evidence: 'killed by the test',
      atMs: world.clock.nowMs,
    });
  },
};

export interface RunResult {
  broken: string[];
  steps: Step[];
  happened: string[];
  /** Workflow id and outcome of every saga. */
  outcomes: string[];
}

/** Runs a scenario with faults, in virtual time, and says which invariants are broken in the end. */
export const runScenario = async (
  scenario: Scenario,
  faults: readonly Fault[],
  sabotage?: Sabotage,
): Promise<RunResult> => {
  const clock = new VirtualClock();
  const uninstall = clock.install();
  const { fetch } = globalThis;
  try {
    const world = await World.begin(clock, { faults, ...(sabotage && { sabotage }) });
    begin[scenario](world);
    const begunMs = clock.nowMs;
    await clock.runUntil(begunMs + LOOK_AFTER_MS);
    let broken = brokenInvariants(world);
    if (broken.length > 0) {
      await clock.runUntil(begunMs + SETTLED_AFTER_MS);
      broken = brokenInvariants(world);
    }
    return {
      broken,
      steps: world.network.steps,
      happened: world.network.happened,
      outcomes: world.sagas.map(
        (saga) => `${saga.workflowId} ${String(saga.attributes.get('SwarmOutcome'))}`,
      ),
    };
  } finally {
    globalThis.fetch = fetch;
    uninstall();
  }
};

/** Every fault that can be put on the steps of a run, except stale answers to calls that read nothing. */
export const faultsOn = (steps: readonly Step[], afterStep = 0): Fault[] =>
  steps
    .filter(({ number }) => number > afterStep)
    .flatMap(({ number, isRead }) =>
      faultKinds
        .filter((kind) => kind !== 'stale-reply' || isRead)
        .map((kind): Fault => ({ step: number, kind })),
    );

export interface Search {
  runs: number;
  /** One entry per run that broke an invariant, with the command that repeats it. */
  failures: string[];
  /** How often sagas ended how. */
  outcomes: Record<string, number>;
}

const named = (faults: readonly Fault[]): string =>
  faults.map(({ step, kind }) => `${step}:${kind}`).join(',');

/** Faults as `named` writes them, such as "9:lost-reply,11:crash-after". */
export const parseFaults = (text: string): Fault[] =>
  text.split(',').map((part) => {
    const [step, kind] = part.split(':');
    if (!faultKinds.includes(kind as FaultKind))
      throw new Error(`${part} is no fault; kinds: ${faultKinds.join(', ')}`);
    return { step: Number(step), kind: kind as FaultKind };
  });

/** Runs a scenario with every single fault and, for `pairs`, every pair: the second on each step that follows the first. */
export const searchFaults = async (
  scenario: Scenario,
  o: { pairs: boolean; sabotage?: Sabotage },
): Promise<Search> => {
  const search: Search = { runs: 0, failures: [], outcomes: {} };
  const run = async (faults: Fault[]): Promise<RunResult> => {
    const result = await runScenario(scenario, faults, o.sabotage);
    search.runs += 1;
    for (const line of result.outcomes) {
      const outcome = line.replace(/\/\S+/, '');
      search.outcomes[outcome] = (search.outcomes[outcome] ?? 0) + 1;
    }
    if (result.broken.length > 0) {
      search.failures.push(
        `${result.broken.join('; ')}\n    after ${result.happened.join('; ')} (${result.outcomes.join(', ')})\n` +
          `    repeat: SCENARIO=${scenario} FAULTS=${named(faults)} npx jest test/exhaustive/one-run`,
      );
    }
    return result;
  };
  const { steps } = await run([]);
  for (const first of faultsOn(steps)) {
    const { steps: stepsAfterFirst } = await run([first]);
    if (!o.pairs) continue;
    for (const second of faultsOn(stepsAfterFirst, first.step)) await run([first, second]);
  }
  return search;
};
