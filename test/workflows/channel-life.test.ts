import '../exhaustive/support/mocks';
import { ID, chosen, fails, onAir, withChannel, type ChannelScene } from './support/channel-in-model';
import { context, facts, later, spec, untilCancelled } from './support/moves-in-model';

describe('a recovery', () => {
  test('takes the channel elsewhere; its story begins with what was seen', async () => {
    await withChannel({}, async ({ recover, pass, state, temporal }) => {
      const asked = recover();
      await pass(150);
      expect(state()).toMatchObject({ status: 'recovering', detail: 'ch-1: encoder-lost enc-1' });
      const { startedWith, attributes } = temporal.runOf('recovery/ch-1/8');
      expect(startedWith).toMatchObject({
        ...{ staticSummary: 'ch-1: encoder-lost enc-1', staticDetails: 'it is silent' },
        ...{ parentClosePolicy: 'ABANDON', workflowTaskTimeout: '5 seconds' },
      });
      expect(Object.fromEntries(attributes)).toMatchObject({
        ...{ SwarmCell: 'cell', SwarmChannel: 'ch-1', SwarmReason: 'encoder-lost' },
      });
      await pass(5_000);
      expect(await asked).toBe('recovered by recovery/ch-1/8, on enc-2');
      expect(state()).toMatchObject({ status: 'on-air', ownerEncoderId: 'enc-2', token: 7, rungs: 2 });
      expect(state().movedAtMs).toBe(state().lastMove!.finishedAtMs);
    });
  });

  test('shows the lost encoder until the next is chosen, and none where none was lost', async () => {
    const encoderShown = async (lostEncoderId: string | null): Promise<unknown> => {
      let shown: unknown;
      await withChannel({}, async ({ recover, temporal, pass }) => {
        void recover({ lostEncoderId });
        await pass(50);
        shown = temporal.runOf('recovery/ch-1/8').attributes.get('SwarmEncoder');
      });
      return shown;
    };
    expect(await encoderShown('enc-1')).toBe('enc-1');
    expect(await encoderShown(null)).toBeUndefined();
  });

  test('waits until a move has ended, and then is not needed any more', async () => {
    await withChannel(
      {
        chooseTarget: ({ purpose }: { purpose: string }) =>
          purpose === 'handoff'
            ? later(100).then(() => chosen())
            : chosen({ facts: { ...facts, owner: { encoderId: 'enc-2', sessionId: 'new' }, token: 5 } }),
      },
      async ({ move, recover, pass, names, state }) => {
        const moved = move();
        await pass(50);
        const recovered = recover();
        await pass(5_000);
        expect(await moved).toMatch(/^completed/);
        expect(await recovered).toMatch(/^refused: conflict: ch-1 is owned by session new on enc-2/);
        expect(names().lastIndexOf('chooseTarget')).toBeGreaterThan(names().indexOf('recordMove'));
        expect(state()).toMatchObject({ status: 'on-air', ownerEncoderId: 'enc-2', token: 5 });
      },
    );
  });

  test('is refused without an id or a reason', async () => {
    await withChannel({}, async ({ ask, recover, calls }) => {
      expect(await ask('recover')).toMatch(/^bad-request: requestId/);
      expect(await recover({ requestId: '' })).toMatch(/^bad-request: requestId/);
      expect(await recover({ reason: '' })).toMatch(/^bad-request: reason/);
      expect(calls).toEqual([]);
    });
  });
});

describe('rules that the swarm hands down', () => {
  test('count from the next move on', async () => {
    await withChannel({}, async ({ temporal, move, pass, of }) => {
      const cordons = { 'enc-2': { by: 'a person' } };
      temporal.signal(ID, 'swarmContext', { ...context, cordons });
      const asked = move();
      await pass(5_000);
      await asked;
      expect(of('chooseTarget')[0]!.args.context).toMatchObject({ cordons });
    });
  });
});

describe('being registered again', () => {
  test('is done once at a time', async () => {
    await withChannel({}, async ({ ask, pass, of }) => {
      const twice = [ask('registerAgain'), ask('registerAgain')];
      await pass(1_000);
      expect(await Promise.all(twice)).toEqual(['done', 'done']);
      expect(of('registerChannel')).toMatchObject([
        // The channel is one of the swarm's: its input may come later.
        { args: spec, options: { inputMayBeAway: true }, summary: 'relay, origin and source of ch-1' },
      ]);
      const third = ask('registerAgain');
      await pass(1_000);
      await third;
      expect(of('registerChannel')).toHaveLength(2);
    });
  });

  test('that fails is refused with its cause, and may be asked for again', async () => {
    await withChannel({ registerChannel: fails('input-not-video') }, async ({ ask, pass, of }) => {
      const first = ask('registerAgain');
      await pass(5_000);
      expect(await first).toBe('input-not-video: It answered input-not-video.');
      const count = of('registerChannel').length;
      void ask('registerAgain');
      await pass(5_000);
      expect(of('registerChannel').length).toBeGreaterThan(count);
    });
  });
});

describe('a channel that is removed', () => {
  test('goes off air, is forgotten, and ends; it takes no requests any more', async () => {
    await withChannel({}, async ({ ask, move, recover, pass, of, state, temporal, details }) => {
      const removed = ask('remove');
      await pass(50);
      expect(state()).toMatchObject({ status: 'removing', detail: 'is being removed' });
      const unknown = 'unknown-channel: There is no channel ch-1.';
      expect(await move()).toBe(unknown);
      expect(await recover()).toBe(unknown);
      expect(await ask('registerAgain')).toBe(unknown);
      expect(await ask('remove')).toBe(unknown);
      await pass(5_000);
      expect(await removed).toBe('done');
      expect(of('removeChannel')).toMatchObject([
        {
          args: { channelId: 'ch-1', requestId: `${ID}/run-00000001/remove` },
          summary: 'take ch-1 off air, forget it',
        },
      ]);
      expect(state()).toMatchObject({ status: 'removed', ownerEncoderId: null, ownerSessionId: null });
      expect(details().slice(0, 3)).toEqual([
        ...['### ch-1: removed', '- owner **none**, token 4, 2 rung(s), 7 move(s)', '- now: removed'],
      ]);
      expect(temporal.runOf(ID)).toMatchObject({ status: 'completed', result: { status: 'removed' } });
    });
  });

  test('calls its move off and waits until that is undone', async () => {
    await withChannel({ prepareTarget: untilCancelled }, async ({ ask, move, pass, names, of, state }) => {
      const moved = move();
      await pass(150);
      const removed = ask('remove');
      await pass(200);
      expect(state()).toMatchObject({
        ...{ status: 'removing', ownerEncoderId: 'enc-1' },
        detail: 'ch-1: enc-1 → the fittest (manual) failed: The move was called off.',
      });
      await pass(5_000);
      expect(await moved).toMatch(/^conflict: The move was called off/);
      expect(await removed).toBe('done');
      expect(names().indexOf('removeChannel')).toBeGreaterThan(names().indexOf('releaseSession'));
      expect(of('removeChannel')).toHaveLength(1);
      expect(state().status).toBe('removed');
    });
  });

  test('waits until it is registered, so that nothing brings it back', async () => {
    await withChannel({}, async ({ ask, pass, of }) => {
      void ask('registerAgain');
      await pass(50);
      void ask('remove');
      await pass(5_000);
      expect(of('removeChannel')[0]!.atMs).toBeGreaterThanOrEqual(of('registerChannel')[0]!.atMs + 100);
    });
  });

  test('calls off the search for its first encoder, and says so', async () => {
    const scene = async ({ ask, pass, state, names }: ChannelScene): Promise<void> => {
      await pass(50);
      const removed = ask('remove');
      await pass(50);
      expect(state()).toMatchObject({ status: 'removing', detail: 'The move was called off.' });
      await pass(5_000);
      expect(await removed).toBe('done');
      expect(names()).toEqual(['chooseTarget', 'removeChannel']);
      expect(state().status).toBe('removed');
    };
    await withChannel({ chooseTarget: untilCancelled }, scene, {});
  });

  test('a recovery that waited for its move finds it removed', async () => {
    await withChannel({ prepareTarget: untilCancelled }, async ({ ask, move, recover, pass, of }) => {
      void move();
      await pass(150);
      const recovered = recover();
      void ask('remove');
      await pass(5_000);
      expect(await recovered).toBe('unknown-channel: There is no channel ch-1.');
      expect(of('takeOver')).toEqual([]);
    });
  });
});

describe('a new run', () => {
  const moveTimes = async ({ move, pass }: ChannelScene, from: number, times: number): Promise<void> => {
    for (let n = from; n < from + times; n++) {
      const asked = move({ requestId: `n-${n}` });
      await pass(2_000);
      await asked;
    }
  };

  test('begins after eight moves, with all that the one before knew', async () => {
    await withChannel({}, async (scene) => {
      const { temporal, state, move, details, pass } = scene;
      const { runId } = temporal.runOf(ID);
      await moveTimes(scene, 1, 7);
      expect(temporal.runOf(ID).runId).toBe(runId);
      await moveTimes(scene, 8, 1);
      const next = temporal.runOf(ID).runId;
      expect(next).not.toBe(runId);
      expect(state()).toMatchObject({ status: 'on-air', ownerEncoderId: 'enc-2', moves: 15 });
      expect(details()[2]).toBe('- now: manual: completed');
      expect(await move({ requestId: 'n-1' })).toBe('completed by handoff/ch-1/8, on enc-2');
      await moveTimes(scene, 9, 7);
      expect(temporal.runOf(ID).runId).toBe(next);
      await moveTimes(scene, 16, 1);
      expect(temporal.runOf(ID).runId).not.toBe(next);
      // 16 answers are carried on, not more.
      await moveTimes(scene, 17, 1);
      expect(state().moves).toBe(24);
      expect(await move({ requestId: 'n-2' })).toMatch(/handoff\/ch-1\/9,/);
      await moveTimes(scene, 18, 7);
      expect(state().moves).toBe(31);
      expect(await move({ requestId: 'n-9' })).toMatch(/handoff\/ch-1\/16,/);
      const forgotten = move({ requestId: 'n-8' });
      await pass(5_000);
      expect(await forgotten).toMatch(/handoff\/ch-1\/32,/);
    });
  });

  test('knows of requests that were refused, too', async () => {
    const offAir = { ...onAir, ...{ status: 'off-air', ownerEncoderId: null, ownerSessionId: null } };
    let isThereOne = false;
    const answers = {
      chooseTarget: async () => {
        if (!isThereOne) await untilCancelled();
        return chosen({ facts: { ...facts, owner: null } });
      },
    };
    const scene = async ({ recover, ask, pass, temporal, of }: ChannelScene): Promise<void> => {
      const refused = recover({ requestId: 'first' });
      await pass(50);
      void ask('change', { requestId: 'c-1', change: {}, requestedAtMs: 0 });
      await pass(5_000);
      expect(await refused).toMatch(/^conflict: The move was called off/);
      isThereOne = true;
      const { runId } = temporal.runOf(ID);
      temporal.longRunIds.add(runId);
      void recover({ requestId: 'second' });
      await pass(5_000);
      expect(temporal.runOf(ID).runId).not.toBe(runId);
      const asked = of('chooseTarget').length;
      expect(await recover({ requestId: 'first' })).toMatch(/^conflict: The move was called off/);
      expect(of('chooseTarget')).toHaveLength(asked);
    };
    await withChannel(answers, scene, { carried: offAir });
  });

  test('begins where the history has grown long, but not amid a move', async () => {
    await withChannel({}, async ({ temporal, move, pass }) => {
      const { runId } = temporal.runOf(ID);
      const asked = move();
      await pass(50);
      temporal.longRunIds.add(runId);
      await pass(300);
      expect(temporal.runOf(ID).runId).toBe(runId);
      await pass(5_000);
      expect(await asked).toMatch(/^completed/);
      expect(temporal.runOf(ID).runId).not.toBe(runId);
      expect(temporal.upgradedRunIds).toEqual(new Set());
    });
  });

  test('begins on the current build of the workers once that is another one, but not amid a move', async () => {
    await withChannel({}, async ({ temporal, move, pass }) => {
      const { runId } = temporal.runOf(ID);
      const asked = move();
      await pass(50);
      temporal.outdatedRunIds.add(runId);
      await pass(300);
      expect(temporal.runOf(ID).runId).toBe(runId);
      await pass(5_000);
      expect(await asked).toMatch(/^completed/);
      expect(temporal.runOf(ID).runId).not.toBe(runId);
      expect(temporal.upgradedRunIds).toEqual(new Set([runId]));
    });
  });
});
