import type { MoveResult, Owner, Policy } from '../../../src/domain';
import { channelWithDefaults, policySchema } from '../../../src/domain';
import { currentAttempt, type WorkflowRun } from '../../exhaustive/support/temporal-context';
import { TemporalModel } from '../../exhaustive/support/temporal-model';
import { VirtualClock } from '../../exhaustive/support/virtual-clock';

/** Moves as workflows run them, on the model of Temporal in virtual time, with activities that a test answers for. */

export const START_MS = 1_800_000_000_000;
export const spec = channelWithDefaults('ch-1');
export const policy: Policy = policySchema.parse({});
export const context = { policy, cordons: {} };
export const source: Owner = { encoderId: 'enc-1', sessionId: 'old' };
export const facts = { token: 4, owner: source, nextGop: 21, hasPublished: true, oldestGop: 3 };
export const explanation = { summary: 'enc-2 is the fittest.', figures: {}, rejected: [] };
export const requestOf = (over: object = {}) => ({
  ...{ requestId: 'r-1', reason: 'manual', requestedBy: 'a person', requestedAtMs: START_MS - 5 },
  ...over,
});
export const lossOf = (over: object = {}) => ({
  ...{ requestId: 'r-2', reason: 'encoder-lost', lostEncoderId: 'enc-1', lostSessionId: null },
  ...{ evidence: 'it is silent', requestedAtMs: START_MS - 5 },
  ...over,
});
export const inputOf = (request: object, over: object = {}) => ({
  ...{ cell: 'cell', spec, context, rungs: 2, request },
  ...over,
});

export interface Call {
  name: string;
  args: Record<string, unknown>;
  /** Its second argument, where it takes one. */
  options?: unknown;
  /** What a person reads of it in the history. */
  summary: string | undefined;
  atMs: number;
}
type Answer = (args: never, attempt: number) => unknown;
export type Answers = Record<string, Answer>;

/** Resolves in virtual time. */
export const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What an activity does that goes on until it is called off, and then takes a little while to end. */
export const untilCancelled = (): Promise<never> =>
  new Promise((_, reject) => {
    const signal = currentAttempt()?.abort.signal;
    signal?.addEventListener('abort', () => setTimeout(() => reject(signal.reason as Error), 30));
  });

/** Each takes 100 ms, and all goes well: enc-2 takes ch-1 over from enc-1. */
const allWell: Answers = {
  chooseTarget: async ({ rungs }: { rungs: number }) => {
    await later(100);
    return { encoderId: 'enc-2', rungs, explanation, facts, atMs: Date.now() };
  },
  prepareTarget: async () => {
    await later(100);
    return { startedAtMs: Date.now() - 20, atMs: Date.now() };
  },
  takeOwnership: async () => {
    await later(100);
    return { token: 5, firstGop: 21, atMs: Date.now() };
  },
  commitTarget: () => later(100),
  awaitPublished: async () => {
    await later(100);
    return { published: true, atMs: Date.now() };
  },
  releaseSession: async () => {
    await later(100);
    return { atMs: Date.now() };
  },
  returnOwnership: async () => {
    await later(100);
    return { granted: { token: 6, firstGop: 22, atMs: Date.now() }, atMs: Date.now() };
  },
  takeOver: async () => {
    await later(100);
    return { token: 7, firstGop: 23, atMs: Date.now(), gapsDeclared: 2, startedAtMs: Date.now() - 30 };
  },
  recordMove: async () => undefined,
  registerChannel: () => later(100),
  removeChannel: () => later(100),
};

export interface Scene {
  clock: VirtualClock;
  temporal: TemporalModel;
  calls: Call[];
  /** Calls of one activity. */
  of: (name: string) => Call[];
  /** Names of the activities in the order of their calls, attempts of the same call once. */
  names: () => string[];
  start: (
    workflow: (...args: never[]) => Promise<unknown>,
    workflowId: string,
    input: unknown,
  ) => WorkflowRun;
  /** Lets so much time pass since the beginning. */
  until: (ms: number) => Promise<void>;
}

/** @param answers instead of those that go well; the second argument counts the calls of the activity, from 1 */
export const inModel = async <T>(answers: Answers, happen: (scene: Scene) => Promise<T>): Promise<T> => {
  const clock = new VirtualClock(START_MS);
  const uninstall = clock.install();
  const calls: Call[] = [];
  const of = (name: string): Call[] => calls.filter((call) => call.name === name);
  const activities = Object.fromEntries(
    Object.entries({ ...allWell, ...answers }).map(([name, answer]) => [
      name,
      async (args: never, options?: unknown) => {
        const { summary } = currentAttempt() ?? {};
        calls.push({ name, args, options, summary, atMs: Date.now() - START_MS });
        return answer(args, of(name).length);
      },
    ]),
  );
  try {
    const temporal = new TemporalModel(clock, () => activities);
    return await happen({
      clock,
      temporal,
      calls,
      of,
      names: () => calls.map(({ name }) => name).filter((name, i, all) => name !== all[i - 1]),
      start: (workflow, workflowId, input) => temporal.start(workflow, workflowId, [input]),
      until: (ms) => clock.runUntil(START_MS + ms),
    });
  } finally {
    uninstall();
  }
};

export const resultOf = ({ result }: WorkflowRun): MoveResult => result as MoveResult;
export const shownOutcome = (run: WorkflowRun): unknown => run.attributes.get('SwarmOutcome');
export const shownEncoder = (run: WorkflowRun): unknown => run.attributes.get('SwarmEncoder');
