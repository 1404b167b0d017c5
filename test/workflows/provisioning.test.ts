import { heartbeat } from '@temporalio/activity';
import type { Activities } from '../../activities';
import { decide } from '../../src/cycle';
import {
  SwarmError,
  channelWithDefaults,
  policySchema,
  swarmControl,
  type EncoderObservation,
  type Plan,
  type SwarmRules,
  type SwarmSnapshot,
  type SwarmWorkflowState,
} from '../../src/domain';
import { channelOn, encoderWith, withTelemetry } from '../planner/swarm-fixtures';
import { eventually } from '../support/until';
import { FakeActivities, failing } from './support/fake-activities';
import { Workbench } from './support/workbench';

/**
 * The real planner in the real control cycle, before a provider that fails, is slow, or gives fewer than asked.
 * Every channel of the fleet has three rungs, of 3.415 units, and an encoder has room for one of them.
 */
let bench: Workbench;
const swarm = new FakeActivities();
const policy = policySchema.parse({ maxEncoders: 8, maxMovesPerCycle: 0, reserveFraction: 0 });
let encoders: EncoderObservation[] = [];
let channels = 0;
/** How far the planner's clock runs ahead, so that no test waits for a pause. */
let aheadMs = 0;
/** Looks at the fleet that have begun so far, and what was decided on each. */
let looks = 0;
const decided: { look: number; plan: Plan }[] = [];

type Provide = Activities['provisionEncoder'];

const add = (zone: string): { encoderId: string } => {
  const id = `enc-${encoders.length + 1}`;
  encoders = [...encoders, encoderWith(id, { zone })];
  return { encoderId: id };
};

/** What a test changes of the world. */
const world = (): { channels: number; aheadMs: number } => ({ channels, aheadMs });

const look = ({ provisioning: known }: SwarmRules, at: ReturnType<typeof world>): SwarmSnapshot => {
  return withTelemetry({
    cell: bench.cell,
    atMs: Date.now() + at.aheadMs,
    encoders,
    channels: Array.from({ length: at.channels }, (_, i) =>
      channelOn(channelWithDefaults(`c-${i}`), `enc-${(i % 3) + 1}`, { rungs: 3, viewers: 9_000 }),
    ),
    ...(known && { pendingEncoders: known.pending, provisioning: known.outcomes }),
  });
};

const use = (provisionEncoder: Provide, more: Partial<Activities> = {}): void =>
  bench.use(
    swarm.activities({
      planCycle: async () => {
        // Counted before it asks: one under way may have asked before what a test waits for was known.
        const began = (looks += 1);
        // As it was then: a look that is under way must not act on what is changed after it was counted.
        const at = world();
        const rules = (await bench.rules()) as SwarmRules;
        const decision = decide({ snapshot: look(rules, at), target: null, ...rules }, null);
        decided.push({ look: began, plan: decision.plan });
        return swarm.cyclePlan({ ...decision, forecast: null });
      },
      provisionEncoder,
      ...more,
    }),
  );

const state = (): Promise<SwarmWorkflowState> => bench.swarm().query<SwarmWorkflowState>(swarmControl.state);
const provisioning = async () => (await state()).provisioning ?? { pending: [], outcomes: [] };
/**
 * Changes the world and has a cycle look at it. A request that ended wakes a cycle too, so that this need not be the
 * last one. @returns the first plan that saw the change
 */
const nextPlan = async (change: () => void = () => undefined): Promise<Plan> => {
  const before = looks;
  change();
  await bench.swarm().signal(swarmControl.wake);
  const { plan } = await eventually(async () => decided.find(({ look }) => look > before));
  return plan;
};
const outcomes = (wanted: number) =>
  eventually(async () => {
    const { outcomes: found } = await provisioning();
    return found.length >= wanted && found;
  });

beforeAll(async () => {
  bench = await Workbench.open();
}, 60_000);
afterAll(async () => bench?.close());

const begin = async (): Promise<void> => {
  encoders = ['a', 'b', 'a'].map((zone, i) => encoderWith(`enc-${i + 1}`, { zone }));
  aheadMs = 0;
  channels = 3;
  use(async () => add('a'));
  await bench.client.workflow.start('swarm', {
    workflowId: `swarm/${bench.cell}`,
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell, cycleSeconds: 3_600, policy }],
  });
  expect((await nextPlan()).scale).toEqual({ kind: 'none' });
};
beforeEach(begin);
afterEach(async () => {
  // What is still being asked for would be told to the swarm of the next test.
  await nextPlan(() => (channels = 0));
  await eventually(async () => (await provisioning()).pending.length === 0);
  await bench.swarm().terminate();
});

test('what a request took is kept, also over the loss of the worker, and the next plan looks so far ahead', async () => {
  use(async ({ zone = '' }) => add(zone));
  expect((await nextPlan(() => (channels = 4))).scale).toMatchObject({
    kind: 'provision',
    count: 1,
    zones: ['b'],
  });
  const [outcome] = await outcomes(1);
  expect(outcome).toMatchObject({ zone: 'b', asked: 1, got: 1 });
  const { askedAtMs = 0, endedAtMs = 0 } = outcome ?? {};
  expect(endedAtMs).toBeGreaterThanOrEqual(askedAtMs);
  expect(endedAtMs - askedAtMs).toBeLessThan(30_000);

  await bench.restartWorker();
  expect(await provisioning()).toMatchObject({ pending: [], outcomes: [outcome] });
  // One outcome of seconds beside a prior of five that is worth less now.
  const { scale } = await nextPlan(() => (channels = 8));
  expect(scale.kind === 'provision' && scale.figures.leadSeconds).toBeLessThanOrEqual(300);
  expect(scale.kind === 'provision' && scale.count).toBeGreaterThan(1);
  await outcomes(3);
});

test('a zone that fails is asked again only after a pause, and elsewhere', async () => {
  const asked: (string | undefined)[] = [];
  use(async ({ zone }) => {
    asked.push(zone);
    if (zone === 'b') throw new SwarmError('at-capacity-limit', 'zone b is sold out');
    return add(zone ?? 'a');
  });
  await nextPlan(() => (channels = 4));
  expect(await outcomes(1)).toMatchObject([{ zone: 'b', got: 0 }]);
  const waiting = await nextPlan();
  expect(waiting.scale.kind).toBe('none');
  expect(waiting.unmet.map(({ why }) => why).join()).toMatch(/last request for encoders failed/);
  expect(asked).toEqual(['b']);

  await nextPlan(() => (aheadMs = 20_000));
  expect((await outcomes(2))[1]).toMatchObject({ zone: 'a', got: 1 });
  expect((await nextPlan()).scale.kind).toBe('none');
  expect(asked).toEqual(['b', 'a']);
});

test('a slow provider is counted on while it may still come, then worked around, and its late encoder used', async () => {
  let give: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (give = resolve));
  let requests = 0;
  use(async ({ zone = 'a' }) => {
    requests += 1;
    if (requests > 1) return add(zone);
    const beat = setInterval(() => heartbeat(), 500);
    await gate.finally(() => clearInterval(beat));
    return add(zone);
  });
  expect((await nextPlan(() => (channels = 4))).scale).toMatchObject({ kind: 'provision', count: 1 });
  // Cycles go on, and do not ask for the same encoder again.
  expect((await nextPlan()).scale.kind).toBe('none');
  expect((await nextPlan()).scale.kind).toBe('none');
  expect((await provisioning()).pending).toMatchObject([{ zone: 'b' }]);
  await eventually(async () => requests === 1);

  // The prior says five minutes at most; at ten nobody counts on it any more.
  expect((await nextPlan(() => (aheadMs = 11 * 60_000))).scale).toMatchObject({
    kind: 'provision',
    count: 1,
  });
  expect(await outcomes(1)).toMatchObject([{ got: 1 }]);
  expect((await provisioning()).pending).toHaveLength(1);
  give();
  expect(await outcomes(2)).toMatchObject([{ got: 1 }, { got: 1 }]);
  expect((await provisioning()).pending).toEqual([]);
  expect(encoders).toHaveLength(5);
});

test('fewer given than asked for: the rest is asked for again; a host that never answers is ended', async () => {
  const given = new Map<string, { encoderId: string }>();
  swarm.calls.length = 0;
  use(
    // As every provider: the same request again, whose answer was lost, is given the same encoder.
    async ({ zone = 'a', requestId }) => {
      // Its host is started, and is not seen to answer.
      const encoder = given.get(requestId) ?? (given.size === 1 ? { encoderId: 'enc-silent' } : add(zone));
      given.set(requestId, encoder);
      return encoder;
    },
    {
      awaitEncoderHealthy: async ({ encoderId }) => {
        if (encoderId === 'enc-silent') return failing('unknown-encoder')();
        return { atMs: Date.now() };
      },
    },
  );
  expect((await nextPlan(() => (channels = 7))).scale).toMatchObject({ kind: 'provision', count: 2 });
  // What is asked for again once the first has come may come before the silent one is given up.
  await eventually(async () => {
    const got = (await outcomes(2)).map((outcome) => outcome.got);
    return got.includes(0) && got.includes(1);
  });
  await eventually(async () => swarm.calls.includes('deprovision enc-silent'));
  // At once where the last of them came, else after the pause.
  await nextPlan(() => (aheadMs = 20_000));
  const all = await outcomes(3);
  expect(all.filter(({ got }) => got === 0)).toMatchObject([{ asked: 1 }]);
  expect(all.filter(({ asked, got }) => asked === 1 && got === 1).length).toBeGreaterThan(1);
});
