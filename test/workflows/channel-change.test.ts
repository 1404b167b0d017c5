import '../exhaustive/support/mocks';
import type { ChannelSpec } from '../../src/domain';
import { chosen, fails, offAir, onAir, withChannel } from './support/channel-in-model';
import { facts, later, spec, untilCancelled } from './support/moves-in-model';

const rung = (name: string): ChannelSpec['ladder'][number] => ({
  ...{ name, widthPx: 640, heightPx: 360, crf: 24, maxBitrateKbps: 900 },
});
const ladder = [rung('low'), rung('high')];
const input = { kind: 'url' as const, url: '/films/b.mp4' };
const request = (change: object) => ({ requestId: 'c-1', change, requestedAtMs: 0 });
/** The owner takes it again: another session on the same encoder. */
const owner = { chooseTarget: () => chosen({ encoderId: 'enc-1' }) };

test('another ladder comes with a handoff on its owner, all of its rungs at once', async () => {
  await withChannel(owner, async ({ ask, pass, of, state }) => {
    const changed = ask('change', request({ ladder }));
    await pass(5_000);
    expect(await changed).toBe('done');
    const after = { ...spec, ladder, viewersPerRung: [0] };
    expect(of('chooseTarget').map((call) => call.args)).toMatchObject([
      { spec: after, rungs: 2, toEncoderId: 'enc-1', otherLadder: true, purpose: 'handoff' },
    ]);
    expect(of('prepareTarget')[0]!.args).toMatchObject({ spec: after, rungs: 2, encoderId: 'enc-1' });
    expect(of('registerChannel')).toEqual([]);
    expect(state()).toMatchObject({ spec: after, status: 'on-air', ownerEncoderId: 'enc-1', rungs: 2 });
    expect(state().lastMove).toMatchObject({ reason: 'ladder', outcome: 'completed' });
  });
});

test('an owner without room for it: the fittest other takes it', async () => {
  const asked: unknown[] = [];
  await withChannel(
    {
      chooseTarget: async (args: { toEncoderId?: string }) => {
        asked.push(args.toEncoderId);
        if (args.toEncoderId) return fails('encoder-full')();
        return chosen();
      },
    },
    async ({ ask, pass, state }) => {
      const changed = ask('change', request({ ladder }));
      await pass(5_000);
      expect(await changed).toBe('done');
      expect(asked).toEqual(['enc-1', undefined]);
      expect(state()).toMatchObject({ spec: { ladder }, ownerEncoderId: 'enc-2' });
    },
  );
});

test('another input is brought first, and is there for both ladders', async () => {
  await withChannel(owner, async ({ ask, pass, names, of, state }) => {
    const changed = ask('change', request({ input, ladder }));
    await pass(5_000);
    expect(await changed).toBe('done');
    expect(names().indexOf('registerChannel')).toBeLessThan(names().indexOf('prepareTarget'));
    expect(of('registerChannel')).toHaveLength(1);
    expect(state().spec).toMatchObject({ input, ladder });
  });
});

test('input, thresholds and placement alone need no handoff', async () => {
  await withChannel({}, async ({ ask, pass, names, state }) => {
    const changes = { input, viewersPerRung: [5, 9], placement: { zone: 'b' } };
    const changed = ask('change', request(changes));
    await pass(1_000);
    expect(await changed).toBe('done');
    expect(names()).toEqual(['registerChannel']);
    expect(state().spec).toEqual({ ...spec, ...changes });
  });
});

test('what it is already changes nothing', async () => {
  await withChannel({}, async ({ ask, pass, calls, state }) => {
    const changed = ask(
      'change',
      request({ input: spec.input, ladder: spec.ladder, viewersPerRung: spec.viewersPerRung }),
    );
    await pass(1_000);
    expect(await changed).toBe('done');
    expect(calls).toEqual([]);
    expect(state().spec).toEqual(spec);
  });
});

describe('a refusal changes nothing', () => {
  test('of an input that is no video', async () => {
    await withChannel({ registerChannel: fails('input-not-video') }, async ({ ask, pass, of, state }) => {
      const changed = ask('change', request({ input, ladder }));
      await pass(5_000);
      expect(await changed).toMatch(/^input-not-video/);
      expect(of('prepareTarget')).toEqual([]);
      expect(state()).toMatchObject({ spec, status: 'on-air', ownerEncoderId: 'enc-1' });
    });
  });

  test('of a session that fails: the old one stays, and the old input comes back', async () => {
    await withChannel(
      { ...owner, prepareTarget: fails('session-failed') },
      async ({ ask, pass, of, state }) => {
        const changed = ask('change', request({ input, ladder }));
        await pass(20_000);
        expect(await changed).toMatch(/^session-failed/);
        expect(of('registerChannel').map((call) => call.args)).toMatchObject([
          { input },
          { input: spec.input },
        ]);
        expect(state()).toMatchObject({
          spec,
          status: 'on-air',
          ownerEncoderId: 'enc-1',
          rungs: onAir.rungs,
        });
      },
    );
  });

  test('while it is being moved, and beside it no move begins', async () => {
    await withChannel(
      { ...owner, prepareTarget: () => later(500).then(() => ({ startedAtMs: 0, atMs: 0 })) },
      async (scene) => {
        const { ask, move, pass, state } = scene;
        const moved = move();
        await pass(50);
        expect(await ask('change', request({ ladder }))).toMatch(/^move-in-progress/);
        await pass(5_000);
        await moved;
        expect(state().spec).toEqual(spec);
        const changed = ask('change', request({ ladder }));
        await pass(50);
        expect(await move({ requestId: 'r-9' })).toMatch(/^move-in-progress/);
        await pass(5_000);
        expect(await changed).toBe('done');
      },
    );
  });

  test('without an id or a change, and of a channel that is being removed', async () => {
    await withChannel({}, async ({ ask, calls, pass }) => {
      expect(await ask('change')).toMatch(/^bad-request: requestId/);
      expect(await ask('change', { requestId: 'c-1' })).toMatch(/^bad-request: change/);
      expect(calls).toEqual([]);
      void ask('remove');
      await pass(10);
      expect(await ask('change', request({ ladder }))).toMatch(/^unknown-channel/);
    });
  });
});

describe('a channel that nobody encodes', () => {
  const waiting = { carried: { ...onAir, status: 'off-air', ownerEncoderId: null, ownerSessionId: null } };

  test('gets its ladder with its next encoder', async () => {
    await withChannel(
      offAir,
      async ({ ask, recover, pass, of, state }) => {
        const changed = ask('change', request({ ladder }));
        await pass(100);
        expect(await changed).toBe('done');
        expect(of('prepareTarget')).toEqual([]);
        const recovered = recover({ lostEncoderId: null });
        await pass(5_000);
        await recovered;
        expect(of('takeOver')[0]!.args).toMatchObject({ spec: { ladder } });
        expect(state().status).toBe('on-air');
      },
      waiting,
    );
  });

  test('is changed though it looks for an encoder in vain: that search is called off', async () => {
    await withChannel(
      { chooseTarget: untilCancelled },
      async ({ ask, recover, pass, state }) => {
        const searching = recover({ lostEncoderId: null });
        await pass(200);
        const changed = ask('change', request({ ladder }));
        await pass(2_000);
        expect(await changed).toBe('done');
        expect(await searching).toMatch(/called off/);
        expect(state()).toMatchObject({ spec: { ladder }, status: 'off-air' });
      },
      waiting,
    );
  });

  test('begins with all rungs that are always on air', async () => {
    const always = { ...spec, ladder, viewersPerRung: [0] };
    await withChannel(
      { chooseTarget: ({ rungs }: { rungs: number }) => chosen({ rungs, facts: { ...facts, owner: null } }) },
      async ({ pass, of }) => {
        await pass(5_000);
        expect(of('chooseTarget')[0]!.args).toMatchObject({ rungs: 2 });
      },
      { spec: always },
    );
  });
});
