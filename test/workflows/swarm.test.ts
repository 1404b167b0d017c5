import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Activities, CyclePlan } from '../../activities';
import {
  searchAttributeNames,
  swarmControl,
  type ChannelSpec,
  type MoveResult,
  type SwarmWorkflowState,
} from '../../src/domain';
import { eventually } from '../support/until';
import { originChannel } from '../support/wire';
import { FakeActivities, failing } from './support/fake-activities';
import { Workbench, moveRequest, policy, refusalFrom } from './support/workbench';

let bench: Workbench;
let origin: Server;
let originUrl: string;
/** Behind all the tests of this file: a swarm workflow keeps calling its activities. */
const swarm = new FakeActivities();

/** Just enough of the origin for the activities that ask who owns what. */
const startOrigin = async (): Promise<void> => {
  origin = createServer((_req, res) => {
    const channels = [...swarm.owners].map(([id, { token, owner }]) =>
      originChannel({ id, token, owner, nextGop: swarm.nextGop, lastPublishedAtMs: Date.now() }),
    );
    res.setHeader('content-type', 'application/json').end(JSON.stringify(channels));
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  originUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
};

const use = (overrides: Partial<Activities> = {}): void =>
  bench.use(swarm.activities({ ...bench.requests(originUrl), ...overrides }));

const update = <T>(name: string, argument: T): Promise<void> =>
  bench.swarm().executeUpdate<void, [T]>(name, { args: [argument] });
const state = (): Promise<SwarmWorkflowState> => bench.swarm().query<SwarmWorkflowState>(swarmControl.state);
const ownerOf = (spec: ChannelSpec): string | undefined => swarm.ownerOf(spec.id).owner?.encoderId;
const onAir = (spec: ChannelSpec): Promise<boolean> =>
  eventually(
    async () =>
      (
        await bench
          .channel(spec)
          .state()
          .catch(() => null)
      )?.status === 'on-air',
  );

const addedChannel = async (encoderId?: string): Promise<ChannelSpec> => {
  const spec = bench.spec();
  await update(swarmControl.addChannel, spec);
  await onAir(spec);
  if (encoderId !== undefined && ownerOf(spec) !== encoderId) {
    await bench.channel(spec).move(moveRequest({ toEncoderId: encoderId }));
  }
  return spec;
};

beforeAll(async () => {
  await startOrigin();
  bench = await Workbench.open({ suggestContinueAsNewAtEvents: 100 });
  swarm.rules = () => bench.rules();
  use();
  // An hour between cycles: they run when they are woken.
  await bench.client.workflow.start('swarm', {
    workflowId: `swarm/${bench.cell}`,
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell, cycleSeconds: 3_600, policy }],
    memo: { installationId: 'of this test' },
  });
}, 60_000);
afterAll(async () => {
  await bench?.close();
  origin?.close();
});
beforeEach(() => {
  swarm.calls.length = 0;
  swarm.encoderIds = ['enc-1', 'enc-2', 'enc-3'];
  swarm.plan = { moves: [], scale: { kind: 'none' }, unmet: [], lowDemandSinceMs: null };
  use();
});

describe('channels', () => {
  test('an added channel is registered, then placed by its own workflow', async () => {
    const spec = await addedChannel();
    expect(swarm.calls).toEqual([
      `register ${spec.id}`,
      'choose enc-1 for recovery',
      'take over enc-1',
      'published enc-1',
    ]);
    expect((await state()).channels.map((channel) => channel.id)).toContain(spec.id);
    expect((await bench.channel(spec).state()).lastMove).toMatchObject({
      reason: 'start',
      outcome: 'completed',
    });
    expect((await refusalFrom(update(swarmControl.addChannel, spec))).code).toBe('channel-exists');
  });

  test.each(['input-not-video', 'bad-request'] as const)(
    'a start that is refused as %s leaves nothing behind, and takes nothing away that was there before',
    async (code) => {
      const spec = bench.spec();
      use({ registerChannel: failing(code), partsKnowing: async () => ['origin'] });
      expect((await refusalFrom(update(swarmControl.addChannel, spec))).code).toBe(code);
      expect(swarm.calls).toEqual([`unregister ${spec.id} but at origin`]);
      expect((await state()).channels.map((channel) => channel.id)).not.toContain(spec.id);
    },
  );

  test('an id that no part would take is undone at none', async () => {
    use({ registerChannel: failing('bad-request') });
    expect((await refusalFrom(update(swarmControl.addChannel, { ...bench.spec(), id: 'A/B' }))).code).toBe(
      'bad-request',
    );
    expect(swarm.calls).toEqual([]);
  });

  test('a removed channel is gone, an unknown one is refused', async () => {
    const spec = await addedChannel();
    await update(swarmControl.removeChannel, spec.id);
    expect(swarm.calls.at(-1)).toBe(`remove ${spec.id}`);
    expect((await state()).channels.map((channel) => channel.id)).not.toContain(spec.id);
    expect((await refusalFrom(update(swarmControl.removeChannel, spec.id))).code).toBe('unknown-channel');
    expect(
      (await refusalFrom(bench.channel(spec).move(moveRequest())).catch(() => ({ code: 'gone' }))).code,
    ).toBe('gone');
  });
});

describe('a lost encoder', () => {
  test('its channels recover at once and side by side, without a control cycle', async () => {
    const [a, b] = await Promise.all([addedChannel('enc-1'), addedChannel('enc-1')]);
    const other = await addedChannel('enc-2');
    const { cycle } = await state();
    // The first channel's new encoder never answers: the second must not wait for it.
    let release: () => void = () => undefined;
    const hung = new Promise<void>((resolve) => {
      release = resolve;
    });
    const plain = swarm.activities();
    use({
      takeOver: async (request) => {
        if (request.spec.id === a.id) await hung;
        return plain.takeOver(request);
      },
    });
    await bench
      .swarm()
      .signal(swarmControl.encoderLost, { encoderId: 'enc-1', evidence: 'killed', atMs: Date.now() });
    await eventually(async () => ownerOf(b) === 'enc-2');
    expect(ownerOf(a)).toBe('enc-1');
    expect(ownerOf(other)).toBe('enc-2');
    expect(swarm.ownerOf(other.id).owner?.sessionId).toBe(
      (await bench.channel(other).state()).ownerSessionId,
    );
    release();
    await eventually(async () => ownerOf(a) === 'enc-2');
    expect((await state()).cycle).toBe(cycle);
    await onAir(a);
    expect((await bench.channel(a).state()).lastMove).toMatchObject({
      reason: 'encoder-lost',
      outcome: 'recovered',
    });
  });

  test('a failed session is recovered by its own channel only', async () => {
    const spec = await addedChannel('enc-1');
    const { owner } = swarm.ownerOf(spec.id);
    const failed = {
      channelId: spec.id,
      encoderId: 'enc-1',
      sessionId: owner?.sessionId,
      code: 'session-failed',
    };
    await bench
      .swarm()
      .signal(swarmControl.sessionFailed, { ...failed, message: 'ffmpeg ended', atMs: Date.now() });
    await eventually(async () => ownerOf(spec) === 'enc-2');
  });
});

describe('cordon and drain', () => {
  test('a cordoned encoder takes no handoff, also one asked for right after', async () => {
    const spec = await addedChannel('enc-1');
    await update(swarmControl.cordon, { encoderId: 'enc-2', requestedBy: 'test' });
    const { failure } = await bench.channel(spec).failingMove(moveRequest({ toEncoderId: 'enc-2' }));
    expect(failure.code).toBe('encoder-cordoned');
    expect(ownerOf(spec)).toBe('enc-1');
    await update(swarmControl.uncordon, { encoderId: 'enc-2', requestedBy: 'test' });
    expect((await state()).cordons).toEqual({});
    expect((await bench.channel(spec).move(moveRequest({ toEncoderId: 'enc-2' }))).outcome).toBe('completed');
  });

  test('a cordon that is lifted while another one is asked about stays lifted', async () => {
    await update(swarmControl.cordon, { encoderId: 'enc-2', requestedBy: 'test' });
    let isAsked = false;
    use({
      assertEncoderKnown: async () => {
        isAsked = true;
        await new Promise((resolve) => setTimeout(resolve, 400));
      },
    });
    const uncordon = (encoderId: string) => update(swarmControl.uncordon, { encoderId, requestedBy: 'test' });
    // While the first one is asked about, two more arrive, and are then worked on side by side.
    const first = uncordon('enc-3');
    await eventually(async () => isAsked);
    await Promise.all([first, uncordon('enc-1'), uncordon('enc-2')]);
    use();
    expect((await state()).cordons).toEqual({});
  });

  test('an unknown encoder is refused', async () => {
    const request = { encoderId: 'enc-9', requestedBy: 'test' };
    for (const name of [swarmControl.cordon, swarmControl.uncordon, swarmControl.drain]) {
      expect((await refusalFrom(update(name, request))).code).toBe('unknown-encoder');
    }
  });

  test('lifting a cordon twice is lifting it once, also where the encoder has left meanwhile', async () => {
    const requests = bench.requests(originUrl);
    const request = { encoderId: 'enc-3', requestedBy: 'test' };
    await update(swarmControl.cordon, request);
    const known = swarm.encoderIds;
    swarm.encoderIds = known.filter((id) => id !== 'enc-3');
    await requests.requestUncordon(request);
    expect((await state()).cordons).toEqual({});
    await requests.requestUncordon(request);
    expect((await refusalFrom(update(swarmControl.uncordon, request))).code).toBe('unknown-encoder');
    swarm.encoderIds = known;
  });

  test('a drain moves all channels away, and says which ones it could not move', async () => {
    const channels = [await addedChannel('enc-3'), await addedChannel('enc-3'), await addedChannel('enc-3')];
    await update(swarmControl.drain, { encoderId: 'enc-3', requestedBy: 'test' });
    expect(channels.map(ownerOf)).not.toContain('enc-3');
    expect((await state()).cordons['enc-3']).toMatchObject({ draining: true, by: 'test' });

    await update(swarmControl.cordon, { encoderId: 'enc-2', requestedBy: 'test' });
    const stuck = channels[0] as ChannelSpec;
    const from = ownerOf(stuck) as string;
    use({ chooseTarget: failing('no-target') });
    const refused = await refusalFrom(update(swarmControl.drain, { encoderId: from, requestedBy: 'test' }));
    expect(refused).toMatchObject({ code: 'no-target', message: expect.stringContaining(stuck.id) });
    use();
    for (const encoderId of ['enc-1', 'enc-2', 'enc-3']) {
      await update(swarmControl.uncordon, { encoderId, requestedBy: 'test' });
    }
  });
});

describe('a control cycle', () => {
  const explanation = { summary: 'too much to come', figures: { peakUnits: 5.2 }, rejected: [] };

  test('asks channels to move and records who accepted and who refused', async () => {
    const [moving, staying] = [await addedChannel('enc-1'), await addedChannel('enc-1')];
    const move = { fromEncoderId: 'enc-1', rungs: 1, reason: 'predicted-overload' as const, explanation };
    swarm.plan = {
      ...swarm.plan,
      moves: [
        { ...move, channelId: moving.id, toEncoderId: 'enc-3' },
        { ...move, channelId: staying.id, toEncoderId: 'enc-1' },
      ],
    };
    const { acted, forecastId } = await bench.nextCycle();
    expect(forecastId).toBe('f-1');
    expect(acted).toEqual([
      { what: `move ${moving.id} enc-1 → enc-3 (predicted-overload)`, accepted: true },
      {
        what: `move ${staying.id} enc-1 → enc-1 (predicted-overload)`,
        accepted: false,
        why: expect.stringContaining('same-encoder'),
      },
    ]);
    await eventually(async () => ownerOf(moving) === 'enc-3');
    await onAir(moving);
    expect((await bench.channel(moving).state()).lastMove?.explanation).toEqual(explanation);
  });

  test('recovers what it finds lost, releases orphans, and goes on where one part is silent', async () => {
    const spec = await addedChannel('enc-1');
    const seen: Partial<CyclePlan> = {
      unreachable: ['enc-1'],
      lost: [
        {
          channelId: spec.id,
          reason: 'encoder-lost',
          lostEncoderId: 'enc-1',
          lostSessionId: swarm.ownerOf(spec.id).owner?.sessionId ?? null,
          evidence: 'enc-1 does not answer',
        },
      ],
      orphans: [{ encoderId: 'enc-1', sessionId: 'nobody-old', channelId: 'gone' }],
      forecast: null,
    };
    use({
      planCycle: async () => swarm.cyclePlan(seen),
      releaseSession: failing('encoder-unreachable'),
    });
    const { acted, forecastId, unreachable } = await bench.nextCycle();
    expect(forecastId).toBeNull();
    expect(unreachable).toEqual(['enc-1']);
    expect(acted).toEqual([
      expect.objectContaining({ what: 'forecast', accepted: false }),
      { what: `recover ${spec.id} (encoder-lost)`, accepted: true },
      {
        what: 'release orphan nobody-old on enc-1',
        accepted: false,
        why: expect.stringContaining('encoder-unreachable'),
      },
    ]);
    await eventually(async () => ownerOf(spec) === 'enc-2');
  });

  test('has a channel that a part lost registered again, but not one that is being removed', async () => {
    const [lost, removed] = [await addedChannel(), await addedChannel()];
    swarm.calls.length = 0;
    let observing: () => void = () => undefined;
    let goOn: () => void = () => undefined;
    const isObserving = new Promise<void>((resolve) => (observing = resolve));
    const isRemoved = new Promise<void>((resolve) => (goOn = resolve));
    use({
      planCycle: async () => {
        observing();
        await isRemoved;
        return swarm.cyclePlan({ unregistered: [lost.id, removed.id] });
      },
    });
    const cycle = bench.nextCycle();
    await isObserving;
    await update(swarmControl.removeChannel, removed.id);
    goOn();
    expect((await cycle).acted).toEqual([
      { what: `register ${lost.id} again`, accepted: true },
      {
        what: `register ${removed.id} again`,
        accepted: false,
        why: expect.stringContaining('unknown-channel'),
      },
    ]);
    await eventually(async () => swarm.calls.includes(`register ${lost.id}`));
    expect(swarm.calls).not.toContain(`register ${removed.id}`);
  });

  test('without the origin decides nothing, says so, and the next one works again', async () => {
    use({ planCycle: failing('unavailable') });
    expect((await bench.nextCycle()).acted).toEqual([
      { what: 'observe', accepted: false, why: expect.stringContaining('unavailable') },
    ]);
    use();
    expect((await bench.nextCycle()).acted).toEqual([]);
  });

  test('adds an encoder; and lets one go after draining it, or keeps it where that fails', async () => {
    const figures = {};
    swarm.plan = {
      ...swarm.plan,
      scale: { kind: 'provision', count: 1, reason: 'demand above capacity', figures },
    };
    const { acted, workflowId } = await bench.nextCycle();
    expect(acted).toEqual([{ what: 'provision 1', accepted: true }]);
    await bench.client.workflow.getHandle(workflowId.replace('cycle/', 'scale-out/')).result();
    expect(swarm.encoderIds).toContain('enc-4');

    const spec = await addedChannel('enc-4');
    const letGo = { kind: 'deprovision' as const, encoderId: 'enc-4', reason: 'low demand', figures };
    swarm.plan = { ...swarm.plan, scale: letGo };
    use({ chooseTarget: failing('no-target') });
    await bench.nextCycle();
    const scaleIn = () => bench.client.workflow.getHandle(`scale-in/${bench.cell}`);
    expect(await scaleIn().result()).toEqual({ encoderId: 'enc-4', gone: false });
    expect((await state()).cordons).toEqual({});
    expect(ownerOf(spec)).toBe('enc-4');

    // The encoder leaves the fleet, and the answer to the first uncordon is lost: asked again, there is nothing to lift.
    const requests = bench.requests(originUrl);
    use({
      deprovisionEncoder: async ({ encoderId }) => {
        swarm.calls.push(`deprovision ${encoderId}`);
        swarm.encoderIds = swarm.encoderIds.filter((id) => id !== encoderId);
      },
      requestUncordon: async (request) => {
        await requests.requestUncordon(request);
        await requests.requestUncordon(request);
      },
    });
    await bench.nextCycle();
    expect(await scaleIn().result()).toEqual({ encoderId: 'enc-4', gone: true });
    expect(swarm.calls).toContain('deprovision enc-4');
    expect(ownerOf(spec)).not.toBe('enc-4');
    expect((await state()).cordons).toEqual({});
  });
});

test('the swarm and its channels continue as new, and lose nothing', async () => {
  const spec = await addedChannel('enc-1');
  const runOf = async (): Promise<string> => (await bench.swarm().describe()).runId;
  const before = { run: await runOf(), ...(await state()) };
  await eventually(async () => {
    await bench.swarm().signal(swarmControl.wake);
    return (await runOf()) !== before.run;
  }, 30_000);
  const after = await state();
  expect((await bench.swarm().describe()).memo).toEqual({ installationId: 'of this test' });
  expect(after.channels).toEqual(before.channels);
  expect(after.cycle).toBeGreaterThan(before.cycle);

  const channel = bench.channel(spec);
  const firstRun = (await channel.handle.describe()).runId;
  let request = moveRequest();
  let result: MoveResult | undefined;
  for (let moves = 1; (await channel.handle.describe()).runId === firstRun; moves += 1) {
    if (moves > 30) throw new Error('The channel did not continue as new.');
    request = moveRequest({ toEncoderId: moves % 2 ? 'enc-2' : 'enc-1' });
    result = await channel.move(request);
  }
  // One whose answer got lost on the way asks the new run.
  expect(await channel.move(request)).toEqual(result);
  const { ownerEncoderId, token, status } = await channel.state();
  expect(swarm.ownerOf(spec.id)).toMatchObject({ token, owner: { encoderId: ownerEncoderId } });
  expect(status).toBe('on-air');
}, 90_000);

describe('a part that is away for hours', () => {
  const runOf = async (): Promise<string> => (await bench.swarm().describe()).runId;
  /** Cycles until the swarm is in its next run. */
  const nextRun = async (): Promise<void> => {
    const before = await runOf();
    await eventually(async () => {
      await bench.swarm().signal(swarmControl.wake);
      return (await runOf()) !== before;
    });
  };
  /** An activity that hangs until it is let go; how often it was begun. */
  const hanging = () => {
    let letGo: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const begun = { times: 0 };
    const step = async (): Promise<void> => {
      begun.times += 1;
      await gone;
    };
    return { begun, step, letGo: () => letGo() };
  };

  test('can not keep a run from its end: a start is undone by the runs that follow', async () => {
    const spec = bench.spec();
    const { begun, step, letGo } = hanging();
    use({ registerChannel: failing('unavailable'), unregisterChannel: step });
    // Refused while the part is away, not when it is back.
    expect((await refusalFrom(update(swarmControl.addChannel, spec))).code).toBe('unavailable');
    await nextRun();
    await eventually(async () => begun.times >= 2);
    // What is left of it would be undone under the new one.
    const again = await refusalFrom(update(swarmControl.addChannel, spec));
    expect(again.code).toBe('unavailable');
    expect(again.message).toContain(`an earlier ${spec.id} has not been taken back`);
    letGo();
    use();
    await eventually(() =>
      update(swarmControl.addChannel, spec).then(
        () => true,
        () => false,
      ),
    );
    await onAir(spec);
    await nextRun();
    expect((await state()).channels.map(({ id }) => id)).toContain(spec.id);
  });

  test('can not keep a run from its end: a channel without workflow is removed by the runs that follow', async () => {
    const spec = await addedChannel();
    await bench.channel(spec).handle.terminate('of this test');
    const { begun, step, letGo } = hanging();
    use({ removeChannel: step });
    const asked = update(swarmControl.removeChannel, spec.id).catch(() => undefined);
    await eventually(async () => begun.times > 0);
    const listed = async (): Promise<boolean> => (await state()).channels.some(({ id }) => id === spec.id);
    expect(await listed()).toBe(true);
    letGo();
    await asked;
    expect(await listed()).toBe(false);
  });
});

test('cycles are workflows of their own that can be found by cell', async () => {
  const query = `${searchAttributeNames.cell} = "${bench.cell}" AND WorkflowType = "controlCycle"`;
  await eventually(async () => {
    for await (const run of bench.client.workflow.list({ query })) return run.workflowId.startsWith('cycle/');
    return false;
  });
});
