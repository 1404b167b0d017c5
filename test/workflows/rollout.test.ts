import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Activities } from '../../activities';
import {
  rolloutControl,
  rolloutPolicySchema,
  rolloutWorkflowId,
  swarmControl,
  type ChannelSpec,
  type RolloutPolicy,
  type RolloutState,
  type SwarmWorkflowState,
  type Verdict,
} from '../../src/domain';
import { eventually } from '../support/until';
import { FakeActivities, failing } from './support/fake-activities';
import { newer, planFor, startOwnersServer, verdictOf } from './support/rollout-fixtures';
import { Workbench, moveRequest, policy, refusalFrom } from './support/workbench';

let bench: Workbench;
let origin: Server;
let originUrl: string;
const swarm = new FakeActivities();
let channels: ChannelSpec[];

const plan = planFor(['enc-1', 'enc-2', 'enc-3'], () => [channels[0]?.id as string]);

const answering = (outcome: Verdict['outcome']): Partial<Activities> => ({
  compareBuilds: async () => {
    swarm.calls.push(`compare: ${outcome}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return verdictOf(outcome);
  },
});

const use = (overrides: Partial<Activities> = {}): void =>
  bench.use(
    swarm.activities({
      ...bench.requests(originUrl),
      planRollout: plan,
      ...answering('good'),
      ...overrides,
    }),
  );

const quick = { soakSeconds: 0, askAfterSeconds: 60 };
const begin = async (more: Partial<RolloutPolicy> = {}): Promise<Rollout> => {
  const request = {
    buildId: 'newer',
    requestId: randomUUID(),
    requestedBy: 'test',
    policy: rolloutPolicySchema.parse({ ...quick, ...more }),
  };
  await bench.client.workflow.start('rollout', {
    workflowId: rolloutWorkflowId(bench.cell),
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell, request }],
  });
  return new Rollout();
};

class Rollout {
  private readonly handle = bench.client.workflow.getHandle(rolloutWorkflowId(bench.cell));
  state = (): Promise<RolloutState> => this.handle.query<RolloutState>(rolloutControl.state);
  result = (): Promise<RolloutState> => this.handle.result() as Promise<RolloutState>;
  update = (name: string, more: object = {}): Promise<unknown> =>
    this.handle.executeUpdate(name, { args: [{ requestedBy: 'test', ...more }] });
  begun = (): Promise<RolloutState> => this.handle.executeUpdate<RolloutState, []>(rolloutControl.begun);
  until = (look: (state: RolloutState) => boolean): Promise<RolloutState> =>
    eventually(async () => {
      const state = await this.state();
      return look(state) && state;
    });
}

const builds = (): string[] => swarm.calls.filter((call) => call.startsWith('build'));
const swarmState = (): Promise<SwarmWorkflowState> =>
  bench.swarm().query<SwarmWorkflowState>(swarmControl.state);
const ownerOf = ({ id }: ChannelSpec): string | undefined => swarm.ownerOf(id).owner?.encoderId;
const statuses = ({ encoders }: RolloutState): string[] => encoders.map(({ status }) => status);

beforeAll(async () => {
  ({ server: origin, url: originUrl } = await startOwnersServer(swarm));
  bench = await Workbench.open();
  swarm.rules = () => bench.rules();
  bench.use(swarm.activities(bench.requests(originUrl)));
  await bench.client.workflow.start('swarm', {
    workflowId: `swarm/${bench.cell}`,
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell, cycleSeconds: 3_600, policy }],
  });
  channels = [bench.spec(), bench.spec(), bench.spec()];
  for (const spec of channels) {
    await bench.swarm().executeUpdate(swarmControl.addChannel, { args: [spec] });
    await eventually(async () => (await bench.channel(spec).state()).status === 'on-air');
  }
}, 60_000);
afterAll(async () => {
  await bench?.close();
  origin?.close();
});
beforeEach(async () => {
  use();
  for (const [i, spec] of channels.entries()) {
    const wanted = `enc-${i + 1}`;
    if (ownerOf(spec) !== wanted) await bench.channel(spec).move(moveRequest({ toEncoderId: wanted }));
  }
  swarm.calls.length = 0;
});
afterEach(async () => {
  expect((await swarmState()).cordons).toEqual({});
});

describe('a good build', () => {
  test('goes to the canary, then to the others; each is drained first and tested after', async () => {
    const rollout = await begin();
    expect((await rollout.begun()).encoders).toHaveLength(3);
    const state = await rollout.result();
    expect(state).toMatchObject({ phase: 'completed', failure: null, build: newer });
    expect(statuses(state)).toEqual(['upgraded', 'upgraded', 'upgraded']);
    expect(builds()).toEqual(['build newer on enc-1', 'build newer on enc-2', 'build newer on enc-3']);
    const drained = swarm.calls.indexOf('release enc-1 new');
    const started = swarm.calls.indexOf('build newer on enc-1');
    expect(drained).toBeGreaterThan(-1);
    expect(drained).toBeLessThan(started);
    expect(swarm.calls.indexOf('self-test enc-1')).toBeGreaterThan(started);
    expect(state.verdict?.metrics.quality).toMatchObject({ comparisons: 100, worse: 0 });
  });

  test('until its verdict the canary takes its own channels only', async () => {
    use({ ...answering('undecided') });
    const rollout = await begin();
    await rollout.until(({ canaryAtMs }) => canaryAtMs !== null);
    const [first, second] = channels as [ChannelSpec, ChannelSpec];
    expect(ownerOf(first)).toBe('enc-1');
    const other = moveRequest({ toEncoderId: 'enc-1' });
    expect((await bench.channel(second).failingMove(other)).failure.code).toBe('encoder-cordoned');
    use();
    expect((await rollout.result()).phase).toBe('completed');
  });

  test('a channel that the canary lost meanwhile is brought to it again', async () => {
    use({ ...answering('undecided') });
    const rollout = await begin();
    await rollout.until(({ canaryAtMs }) => canaryAtMs !== null);
    const [first] = channels as [ChannelSpec];
    await bench.channel(first).move(moveRequest({ toEncoderId: 'enc-3' }));
    await eventually(async () => ownerOf(first) === 'enc-1');
    use();
    await rollout.result();
  });

  test('there is one rollout at a time', async () => {
    use({ ...answering('undecided') });
    const rollout = await begin();
    await expect(begin()).rejects.toMatchObject({ name: 'WorkflowExecutionAlreadyStartedError' });
    use();
    await rollout.result();
  });
});

describe('back again', () => {
  test('a canary that is worse goes back by itself, and nothing else was touched', async () => {
    use(answering('worse'));
    const state = await (await begin()).result();
    expect(state).toMatchObject({
      phase: 'rolled-back',
      rollback: { kind: 'worse', metric: 'quality', comparisons: 100, worse: 100, worseFrom: 100 },
      failure: null,
      detail: expect.stringMatching(/^newer is worse, above all in quality: worse in 100 of 100/) as string,
    });
    expect(statuses(state)).toEqual(['restored', 'waiting', 'waiting']);
    expect(builds()).toEqual(['build newer on enc-1', 'build older on enc-1']);
  });

  test('an abort amid the waves undoes all, the latest first, the one in hand too', async () => {
    const plain = swarm.activities();
    let reached: () => void = () => undefined;
    const inHand = new Promise<void>((resolve) => {
      reached = resolve;
    });
    use({
      selfTest: async (request) => {
        if (request.encoderId === 'enc-3') reached();
        return plain.selfTest(request);
      },
      // The third encoder is being started when the abort comes.
      setEncoderBuild: async (request) => {
        const done = await plain.setEncoderBuild(request);
        if (request.encoderId === 'enc-3') {
          reached();
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
        return done;
      },
    });
    const rollout = await begin();
    await inHand;
    await rollout.update(rolloutControl.abort);
    const state = await rollout.result();
    expect(state).toMatchObject({
      ...{ phase: 'rolled-back', detail: 'aborted by test' },
      ...{ rollback: { kind: 'aborted', requestedBy: 'test' }, failure: null },
    });
    expect(builds().slice(3)).toEqual([
      'build older on enc-3',
      'build older on enc-2',
      'build older on enc-1',
    ]);
    expect(statuses(state)).toEqual(['restored', 'restored', 'restored']);
  });

  test.each([
    ['does not start', { setEncoderBuild: failing('encoder-incompatible') }],
    ['fails its self-test', { selfTest: failing('session-failed') }],
  ] as [string, Partial<Activities>][])('a build that %s goes back', async (_, fault) => {
    const plain = swarm.activities();
    use({
      setEncoderBuild: async (request) =>
        request.build.buildId === 'newer' && fault.setEncoderBuild
          ? fault.setEncoderBuild(request)
          : plain.setEncoderBuild(request),
      selfTest: async (request) =>
        fault.selfTest && swarm.calls.at(-1) === 'build newer on enc-1'
          ? fault.selfTest(request)
          : plain.selfTest(request),
    });
    const state = await (await begin()).result();
    expect(state.phase).toBe('rolled-back');
    expect(builds().at(-1)).toBe('build older on enc-1');
  });

  test('a rollback that meets an obstacle goes on trying, and shows it', async () => {
    const plain = swarm.activities();
    let failures = 0;
    use({
      ...answering('worse'),
      setEncoderBuild: async (request) => {
        if (request.build.buildId === 'older' && (failures += 1) === 1) return failing('conflict')();
        return plain.setEncoderBuild(request);
      },
    });
    const state = await (await begin()).result();
    expect(state.phase).toBe('rolled-back');
    expect(failures).toBe(2);
  });

  test('an encoder that has left the fleet holds nothing up', async () => {
    const plain = swarm.activities();
    use({
      setEncoderBuild: async (request) =>
        request.encoderId === 'enc-2' ? failing('unknown-encoder')() : plain.setEncoderBuild(request),
    });
    const state = await (await begin()).result();
    expect(state.phase).toBe('completed');
    expect(statuses(state)).toEqual(['upgraded', 'gone', 'upgraded']);
  });
});

test.each([
  ['now', { code: 'unknown-encoder', why: 'unknown-encoder: no encoder enc-1' }],
  ['earlier versions', { why: 'unknown-encoder: no encoder enc-1' }],
])(
  'a canary that leaves the fleet before its verdict is followed by another (as %s say it)',
  async (...given) => {
    const [, failure] = given;
    const real = bench.requests(originUrl);
    let isGone = false;
    use({
      compareBuilds: async () => {
        if (isGone) return verdictOf('good');
        isGone = true;
        return verdictOf('undecided');
      },
      channelsOn: async (request) =>
        isGone && request.encoderId === 'enc-1' ? [] : real.channelsOn(request),
      moveAndWait: async (request) =>
        isGone && request.request.toEncoderId === 'enc-1'
          ? {
              channelId: request.channelId,
              moved: false,
              retry: false,
              ...failure,
            }
          : real.moveAndWait(request),
    });
    const state = await (await begin()).result();
    expect(state.phase).toBe('completed');
    expect(state.encoders.map(({ wave, status }) => `${wave} ${status}`)).toEqual([
      'canary gone',
      'canary upgraded',
      'rest upgraded',
    ]);
  },
);

describe('people', () => {
  test('undecided in time: it holds and asks; continue goes on', async () => {
    use(answering('undecided'));
    const rollout = await begin({ askAfterSeconds: 1 });
    const held = await rollout.until(({ phase }) => phase === 'holding');
    expect(held.detail).toMatch(/no verdict after .* continue or roll-back/);
    expect((await refusalFrom(rollout.update(rolloutControl.decide, { decision: 'perhaps' }))).code).toBe(
      'bad-request',
    );
    use();
    await rollout.update(rolloutControl.decide, { decision: 'continue' });
    expect(await rollout.result()).toMatchObject({ phase: 'completed', decidedBy: 'test' });
  });

  test('undecided in time: roll-back goes back', async () => {
    use(answering('undecided'));
    const rollout = await begin({ askAfterSeconds: 1 });
    await rollout.until(({ phase }) => phase === 'holding');
    await rollout.update(rolloutControl.decide, { decision: 'roll-back' });
    const state = await rollout.result();
    expect(state.phase).toBe('rolled-back');
    expect(statuses(state)).toEqual(['restored', 'waiting', 'waiting']);
  });

  test('paused, it begins no further encoder; resumed, it goes on; what does not fit is refused', async () => {
    use({ ...answering('undecided') });
    const rollout = await begin();
    await rollout.until(({ canaryAtMs }) => canaryAtMs !== null);
    expect((await refusalFrom(rollout.update(rolloutControl.resume))).code).toBe('conflict');
    expect((await refusalFrom(rollout.update(rolloutControl.decide, { decision: 'continue' }))).code).toBe(
      'conflict',
    );
    await rollout.update(rolloutControl.pause);
    expect((await refusalFrom(rollout.update(rolloutControl.pause))).code).toBe('conflict');
    use();
    await eventually(async () => swarm.calls.includes('compare: good'));
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(builds()).toEqual(['build newer on enc-1']);
    await rollout.update(rolloutControl.resume);
    expect((await rollout.result()).phase).toBe('completed');
    expect(builds()).toHaveLength(3);
  });

  test('a rollout that can not be is refused, in words, and changes nothing', async () => {
    use({ planRollout: failing('not-found', 'The catalogue has no build newer.') });
    const rollout = await begin();
    const refused = await refusalFrom(rollout.begun()).catch(() => null);
    if (refused) expect(refused).toMatchObject({ code: 'not-found' });
    expect(await rollout.result()).toMatchObject({
      phase: 'refused',
      failure: { code: 'not-found', message: 'The catalogue has no build newer.' },
    });
    expect(swarm.calls).toEqual([]);
  });
});

test('a worker that is lost amid a rollout is replaced, and the rollout goes on', async () => {
  let comparisons = 0;
  use({
    compareBuilds: async () => {
      comparisons += 1;
      if (comparisons < 3) return verdictOf('undecided');
      return verdictOf('good');
    },
  });
  const rollout = await begin();
  await eventually(async () => comparisons > 0);
  await bench.restartWorker();
  const state = await rollout.result();
  expect(state.phase).toBe('completed');
  expect(builds()).toHaveLength(3);
});
