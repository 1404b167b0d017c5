import { SwarmError, searchAttributeNames } from '../../src/domain';
import { eventually } from '../support/until';
import { FakeActivities, failing } from './support/fake-activities';
import { Workbench, moveRequest, recoverRequest, refusalFrom } from './support/workbench';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
}, 60_000);
afterAll(() => bench?.close());

/** A channel on enc-1. */
const setUp = () => {
  const swarm = new FakeActivities();
  const spec = bench.spec();
  swarm.ownedBy(spec.id, 'enc-1');
  return { swarm, spec };
};

test('a handoff makes before it breaks: prepare, own, commit, published, release', async () => {
  const { swarm, spec } = setUp();
  bench.use(swarm.activities());
  const channel = await bench.startChannel(spec);
  const result = await channel.move(moveRequest({ toEncoderId: 'enc-2' }));

  expect(swarm.calls).toEqual([
    'choose enc-2 for handoff',
    'prepare enc-2 from 99',
    'own enc-2',
    'commit enc-2 2',
    'published enc-2',
    'release enc-1 old',
  ]);
  expect(result).toMatchObject({
    outcome: 'completed',
    fromEncoderId: 'enc-1',
    toEncoderId: 'enc-2',
    ownerEncoderId: 'enc-2',
    token: 2,
    firstGop: 100,
    gapsDeclared: 0,
  });
  expect(result.steps.map((step) => step.name)).toEqual([
    'chooseTarget',
    'prepareTarget',
    'takeOwnership',
    'commitTarget',
    'awaitPublished',
    'releaseSource',
  ]);
  expect(result.overlapGops).toBeGreaterThanOrEqual(0);
  const times = [result.requestedAtMs, result.preparedAtMs, result.committedAtMs, result.publishedAtMs];
  expect(times).toEqual([...times].sort((a, b) => Number(a) - Number(b)));
  expect(await channel.state()).toMatchObject({
    status: 'on-air',
    ownerEncoderId: 'enc-2',
    token: 2,
    moves: 1,
  });
  expect(swarm.recorded).toHaveLength(1);

  const run = await bench.client.workflow.getHandle(result.workflowId).describe();
  const attributes = Object.fromEntries(
    run.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
  );
  expect(attributes).toMatchObject({
    [searchAttributeNames.cell]: bench.cell,
    [searchAttributeNames.channel]: spec.id,
    [searchAttributeNames.encoder]: 'enc-2',
    [searchAttributeNames.reason]: 'operator',
    [searchAttributeNames.outcome]: 'completed',
  });
  expect(await run.staticSummary()).toBe(`${spec.id}: enc-1 → enc-2 (operator)`);
});

describe('a step that fails before the commit point', () => {
  test('refused target: nothing changes, the caller gets the code', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities({ chooseTarget: failing('encoder-full') }));
    const channel = await bench.startChannel(spec);
    const refused = await channel.failingMove(moveRequest({ toEncoderId: 'enc-2' }));
    expect(refused).toMatchObject({ outcome: 'refused', failure: { code: 'encoder-full' } });
    expect(swarm.calls).toEqual([]);
    expect(swarm.ownerOf(spec.id)).toMatchObject({ token: 1, owner: { encoderId: 'enc-1' } });
    expect(await channel.state()).toMatchObject({ status: 'on-air', ownerEncoderId: 'enc-1' });
  });

  test('target that never gets ready: it is aborted, the source never noticed', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities({ prepareTarget: failing('encoder-answered-garbage') }));
    const channel = await bench.startChannel(spec);
    const undone = await channel.failingMove(moveRequest());
    expect(undone).toMatchObject({ outcome: 'compensated', failure: { code: 'encoder-answered-garbage' } });
    expect(swarm.calls).toEqual(['choose enc-2 for handoff', 'release enc-2 new']);
    expect(swarm.ownerOf(spec.id).token).toBe(1);
    expect((await channel.state()).lastMove).toMatchObject({
      outcome: 'compensated',
      ownerEncoderId: 'enc-1',
    });
  });

  test('a target that can not even be aborted is left to the control cycle, not waited for', async () => {
    const { swarm, spec } = setUp();
    const faults = {
      prepareTarget: failing('encoder-unreachable'),
      releaseSession: failing('encoder-unreachable'),
    };
    bench.use(swarm.activities(faults));
    const channel = await bench.startChannel(spec);
    expect((await channel.failingMove(moveRequest())).failure.code).toBe('encoder-unreachable');
    const { lastMove } = await channel.state();
    expect(lastMove?.outcome).toBe('compensated');
    expect(lastMove?.steps.at(-1)).toMatchObject({ name: 'abortTarget', ok: false });
  });
});

describe('a step that fails at or after the commit point', () => {
  test('take-over of unknown fate: back to the source with a higher token, then the target is aborted', async () => {
    const { swarm, spec } = setUp();
    const takeOwnership = async () => {
      swarm.calls.push('own, answer lost');
      swarm.owners.set(spec.id, { token: 2, owner: { encoderId: 'enc-2', sessionId: lastSession } });
      throw new SwarmError('timeout', 'no answer');
    };
    let lastSession = '';
    const plain = swarm.activities();
    const faults = {
      takeOwnership,
      prepareTarget: (request: Parameters<typeof plain.prepareTarget>[0]) => {
        lastSession = request.sessionId;
        return plain.prepareTarget(request);
      },
    };
    bench.use(swarm.activities(faults));
    const channel = await bench.startChannel(spec);
    expect((await channel.failingMove(moveRequest())).failure.code).toBe('timeout');
    expect(swarm.calls).toEqual([
      'choose enc-2 for handoff',
      'prepare enc-2 from 99',
      'own, answer lost',
      'own, answer lost',
      'own, answer lost',
      'return enc-1',
      'commit enc-1 3',
      'published enc-1',
      'release enc-2 new',
    ]);
    expect(swarm.ownerOf(spec.id)).toMatchObject({ token: 3, owner: { encoderId: 'enc-1' } });
    expect(await channel.state()).toMatchObject({ ownerEncoderId: 'enc-1', token: 3 });
  });

  test.each([
    ['commitTarget', 'encoder-unreachable'],
    ['awaitPublished', 'session-failed'],
  ] as const)('%s fails for the target: the source, which held its GOPs, owns again', async (name, code) => {
    const { swarm, spec } = setUp();
    const plain = swarm.activities();
    const faults = {
      commitTarget: (request: Parameters<typeof plain.commitTarget>[0]) =>
        name === 'commitTarget' && request.encoderId === 'enc-2'
          ? failing(code)()
          : plain.commitTarget(request),
      awaitPublished: (request: Parameters<typeof plain.awaitPublished>[0]) =>
        name === 'awaitPublished' && request.owner.encoderId === 'enc-2'
          ? failing(code)()
          : plain.awaitPublished(request),
    };
    bench.use(swarm.activities(faults));
    const channel = await bench.startChannel(spec);
    expect((await channel.failingMove(moveRequest({ toEncoderId: 'enc-2' }))).failure.code).toBe(code);
    expect(swarm.calls.slice(-4)).toEqual([
      'return enc-1',
      'commit enc-1 3',
      'published enc-1',
      'release enc-2 new',
    ]);
    expect(swarm.ownerOf(spec.id)).toMatchObject({ token: 3, owner: { encoderId: 'enc-1' } });
    expect((await channel.state()).lastMove).toMatchObject({
      outcome: 'compensated',
      ownerEncoderId: 'enc-1',
    });
  });

  test('target and source both gone: forward to a third encoder', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities({ commitTarget: failing('encoder-unreachable') }));
    const channel = await bench.startChannel(spec);
    const result = await channel.move(moveRequest({ toEncoderId: 'enc-2' }));
    expect(result).toMatchObject({ outcome: 'recovered', ownerEncoderId: 'enc-3', token: 4 });
    expect(swarm.calls.slice(-3)).toEqual([
      'choose enc-3 for recovery',
      'take over enc-3',
      'published enc-3',
    ]);
    expect(await channel.state()).toMatchObject({ status: 'on-air', ownerEncoderId: 'enc-3', token: 4 });
  });

  test('a source that can not be released has moved nevertheless', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities({ releaseSession: failing('encoder-unreachable') }));
    const channel = await bench.startChannel(spec);
    const result = await channel.move(moveRequest());
    expect(result).toMatchObject({ outcome: 'completed', ownerEncoderId: 'enc-2', releasedAtMs: null });
  });

  test('a store that is down does not undo a move', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities({ recordMove: failing('unavailable') }));
    const channel = await bench.startChannel(spec);
    expect((await channel.move(moveRequest())).outcome).toBe('completed');
  });
});

describe('the channel refuses', () => {
  test('a second move while one is under way; a request that comes twice is one', async () => {
    const { swarm, spec } = setUp();
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const plain = swarm.activities();
    const prepareTarget: typeof plain.prepareTarget = async (request) => {
      await gate;
      return plain.prepareTarget(request);
    };
    bench.use(swarm.activities({ prepareTarget }));
    const channel = await bench.startChannel(spec);
    const request = moveRequest({ toEncoderId: 'enc-2' });
    const first = channel.move(request);
    await eventually(async () => (await channel.state()).status === 'moving');
    const again = channel.move(request);
    const other = moveRequest({ toEncoderId: 'enc-3' });
    expect((await refusalFrom(channel.move(other))).code).toBe('move-in-progress');
    go();
    expect((await again).workflowId).toBe((await first).workflowId);
    expect(swarm.calls.filter((call) => call.startsWith('prepare'))).toHaveLength(1);
  });

  test('one of two moves that are asked for at the same moment', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities());
    const channel = await bench.startChannel(spec);
    const ended = await Promise.allSettled(
      ['enc-2', 'enc-3'].map((toEncoderId) => channel.move(moveRequest({ toEncoderId }))),
    );
    expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(swarm.ownerOf(spec.id).token).toBe(2);
  });

  test.each([
    ['its own encoder with the same rungs', { toEncoderId: 'enc-1' }, 'same-encoder'],
    ['more rungs than its ladder has', { toEncoderId: 'enc-1', rungs: 9 }, 'bad-request'],
    ['garbage', { requestId: 7 as unknown as string }, 'bad-request'],
  ])('%s', async (_what, more, code) => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities());
    const channel = await bench.startChannel(spec);
    expect((await refusalFrom(channel.move(moveRequest(more)))).code).toBe(code);
    expect(swarm.calls).toEqual([]);
  });

  test('no handoff, but a change of ladder, to its own encoder', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities());
    const channel = await bench.startChannel(spec);
    const result = await channel.move(moveRequest({ toEncoderId: 'enc-1', rungs: 2, reason: 'ladder' }));
    expect(result).toMatchObject({ outcome: 'completed', ownerEncoderId: 'enc-1', rungs: 2, token: 2 });
    expect(swarm.ownerOf(spec.id).owner?.sessionId).not.toBe(`${spec.id}-old`);
    expect((await channel.state()).rungs).toBe(2);
  });
});

describe('recovery', () => {
  test('fences the lost owner and goes to the fittest other encoder', async () => {
    const { swarm, spec } = setUp();
    bench.use(swarm.activities());
    const channel = await bench.startChannel(spec);
    const result = await channel.recover(recoverRequest({ lostSessionId: `${spec.id}-old` }));
    expect(swarm.calls).toEqual(['choose enc-2 for recovery', 'take over enc-2', 'published enc-2']);
    expect(result).toMatchObject({
      outcome: 'recovered',
      fromEncoderId: 'enc-1',
      ownerEncoderId: 'enc-2',
      token: 2,
    });
  });

  test('tries the next encoder where one fails, and fences the failed one', async () => {
    const { swarm, spec } = setUp();
    const plain = swarm.activities();
    const awaitPublished: typeof plain.awaitPublished = (request) =>
      request.owner.encoderId === 'enc-2' ? failing('session-failed')() : plain.awaitPublished(request);
    bench.use(swarm.activities({ awaitPublished }));
    const channel = await bench.startChannel(spec);
    const result = await channel.recover(recoverRequest());
    expect(result).toMatchObject({ outcome: 'recovered', ownerEncoderId: 'enc-3', token: 3 });
    expect(swarm.calls).toContain('release enc-2 new');
  });

  test('does not give up while there is no encoder, and shows the channel as unresolved', async () => {
    const { swarm, spec } = setUp();
    swarm.encoderIds = [];
    bench.use(swarm.activities());
    const channel = await bench.startChannel(spec);
    const recovery = channel.recover(recoverRequest());
    const run = bench.client.workflow.getHandle(`recovery/${spec.id}/1`);
    const outcome = async (): Promise<unknown> => {
      const { typedSearchAttributes } = await run.describe();
      return typedSearchAttributes.getAll().find(({ key }) => key.name === searchAttributeNames.outcome)
        ?.value;
    };
    for (;;) {
      const seen = await outcome().catch(() => undefined);
      if (seen === 'unresolved') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await channel.state()).status).toBe('recovering');
    swarm.encoderIds = ['enc-4'];
    expect(await recovery).toMatchObject({ outcome: 'recovered', ownerEncoderId: 'enc-4' });
    expect(await outcome()).toBe('recovered');
  });

  test('of a channel that is removed is over, and no longer shown as unresolved', async () => {
    const { swarm, spec } = setUp();
    swarm.encoderIds = [];
    bench.use(swarm.activities());
    const channel = await bench.startChannel(spec);
    channel.recover(recoverRequest()).catch(() => undefined);
    const run = bench.client.workflow.getHandle(`recovery/${spec.id}/1`);
    const seen = async (): Promise<{ outcome: unknown; status: string } | null> => {
      const described = await run.describe().catch(() => null);
      const outcome = described?.typedSearchAttributes
        .getAll()
        .find(({ key }) => key.name === searchAttributeNames.outcome)?.value;
      return described && { outcome, status: described.status.name };
    };
    await eventually(async () => (await seen())?.outcome === 'unresolved');
    await channel.remove();
    await eventually(async () => (await seen())?.status === 'CANCELLED');
    expect(await seen()).toEqual({ outcome: 'cancelled', status: 'CANCELLED' });
  });

  test('of a channel that another owner holds by now is refused with conflict', async () => {
    const { swarm, spec } = setUp();
    swarm.ownedBy(spec.id, 'enc-2', 'another', 7);
    bench.use(swarm.activities());
    const channel = await bench.startChannel(spec);
    const result = await channel.recover(recoverRequest({ lostSessionId: `${spec.id}-old` }));
    expect(result).toMatchObject({ outcome: 'refused', failure: { code: 'conflict' } });
    expect(swarm.ownerOf(spec.id)).toMatchObject({ token: 7, owner: { sessionId: 'another' } });
    expect(await channel.state()).toMatchObject({ status: 'on-air', ownerEncoderId: 'enc-2', token: 7 });
  });
});

test('a removed channel ends, and takes no further requests', async () => {
  const { swarm, spec } = setUp();
  bench.use(swarm.activities());
  const channel = await bench.startChannel(spec);
  await channel.remove();
  expect(swarm.calls).toEqual([`remove ${spec.id}`]);
  expect(await channel.handle.result()).toMatchObject({ status: 'removed' });
  await expect(channel.move(moveRequest())).rejects.toThrow();
});

test('after eight moves a channel goes on in a new run, which knows what was asked, answered and refused before', async () => {
  const { swarm, spec } = setUp();
  bench.use(swarm.activities());
  const channel = await bench.startChannel(spec);
  const firstRun = (await channel.handle.describe()).runId;
  const refused = moveRequest({ toEncoderId: 'enc-9' });
  for (let moves = 1; moves < 8; moves += 1) {
    await channel.move(moveRequest({ toEncoderId: moves % 2 ? 'enc-2' : 'enc-1' }));
  }
  expect((await channel.handle.describe()).runId).toBe(firstRun);
  bench.use(swarm.activities({ chooseTarget: failing('no-target') }));
  const refusal = await channel.failingMove(refused);
  await eventually(async () => (await channel.handle.describe()).runId !== firstRun);

  bench.use(swarm.activities());
  const before = swarm.calls.length;
  expect(await channel.failingMove(refused)).toEqual(refusal);
  expect(swarm.calls).toHaveLength(before);
  const result = await channel.move(moveRequest({ toEncoderId: 'enc-1' }));
  expect(result.workflowId).toBe(`handoff/${spec.id}/9`);
}, 60_000);
