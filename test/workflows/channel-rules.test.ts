import '../exhaustive/support/mocks';
import type { ChannelWorkflowState } from '../../src/domain';
import { ID, fails, offAir, onAir, withChannel, type ChannelScene } from './support/channel-in-model';
import { requestOf, context, explanation, spec, START_MS } from './support/moves-in-model';

describe('a new channel', () => {
  test('places itself, and is on air then', async () => {
    const scene = async ({ state, of, pass, details, temporal }: ChannelScene): Promise<void> => {
      expect(state()).toMatchObject({
        ...{ status: 'starting', moves: 1, token: 0, rungs: 1, ownerEncoderId: null, ownerSessionId: null },
        ...{ movedAtMs: null, lastMove: null, detail: 'ch-1: start' },
      });
      expect(details()).toEqual([
        '### ch-1: being moved',
        '- owner **none**, token 0, 1 rung(s), 0 move(s)',
        '- now: ch-1: start',
      ]);
      await pass(5_000);
      expect(of('chooseTarget')[0]!.args).toMatchObject({ purpose: 'recovery', exclude: [], rungs: 1 });
      expect(state()).toMatchObject({
        ...{ status: 'on-air', ownerEncoderId: 'enc-2', token: 7, detail: 'start: completed' },
      });
      expect(details()).toEqual([
        '### ch-1: being moved',
        '- owner **enc-2**, token 7, 2 rung(s), 1 move(s)',
        '- now: start: completed',
        '- last move: `recovery/ch-1/1` start → **completed**',
      ]);
      expect(temporal.runOf('recovery/ch-1/1').startedWith).toMatchObject({ staticSummary: 'ch-1: start' });
      expect(temporal.runOf('recovery/ch-1/1').startedWith).not.toHaveProperty('staticDetails');
    };
    await withChannel(offAir, scene, {});
  });

  test('that can’t be placed says why, and waits for the control cycle', async () => {
    const gone = { chooseTarget: fails('unknown-channel') };
    await withChannel(
      gone,
      async ({ state, pass }) => {
        await pass(5_000);
        expect(state()).toMatchObject({ status: 'off-air', detail: 'It answered unknown-channel.' });
      },
      {},
    );
  });

  test('one that is carried over is not placed again', async () => {
    await withChannel({}, async ({ calls, pass, state, details }) => {
      await pass(5_000);
      expect(calls).toEqual([]);
      expect(state()).toEqual(onAir);
      expect(details()[2]).toBe('- now: all is well');
    });
  });
});

describe('a move', () => {
  test('is a handoff of its own, and the channel is where it went', async () => {
    await withChannel({}, async ({ move, pass, state, details, temporal }) => {
      const asked = move({ toEncoderId: 'enc-2', rungs: 3 });
      await pass(150);
      expect(state()).toMatchObject({ status: 'moving', detail: 'ch-1: enc-1 → enc-2 (manual)', moves: 8 });
      expect(details()[0]).toBe('### ch-1: being moved');
      await pass(5_000);
      expect(await asked).toBe('completed by handoff/ch-1/8, on enc-2');
      const { lastMove, ...rest } = state();
      expect(rest.ownerSessionId).toMatch(/^ch-1-8-1-/);
      expect(rest).toEqual({
        ...{
          spec,
          status: 'on-air',
          ownerEncoderId: 'enc-2',
          ownerSessionId: state().ownerSessionId,
          token: 5,
        },
        ...{ rungs: 3, moves: 8, movedAtMs: START_MS + 600, detail: 'manual: completed' },
      });
      expect(lastMove).toMatchObject({ workflowId: 'handoff/ch-1/8', rungs: 3 });
      expect(temporal.runOf(ID).attributes.get('SwarmEncoder')).toBe('enc-2');
    });
  });

  test('is told to whoever looks at it: summary, details and attributes', async () => {
    await withChannel({}, async ({ move, pass, temporal, of }) => {
      const named = move({ requestId: 'a', toEncoderId: 'enc-2', explanation });
      await pass(50);
      const { startedWith, attributes } = temporal.runOf('handoff/ch-1/8');
      expect(startedWith).toMatchObject({
        ...{ staticSummary: 'ch-1: enc-1 → enc-2 (manual)', staticDetails: 'enc-2 is the fittest.' },
        ...{ parentClosePolicy: 'ABANDON', workflowTaskTimeout: '5 seconds' },
      });
      expect(Object.fromEntries(attributes)).toEqual({
        ...{ SwarmCell: 'cell', SwarmChannel: 'ch-1', SwarmReason: 'manual', SwarmEncoder: 'enc-2' },
      });
      await pass(5_000);
      await named;
      expect(of('chooseTarget')[0]!.args).toMatchObject({ cell: 'cell', spec, context, rungs: 2 });
      void move({ requestId: 'b' });
      await pass(50);
      const next = temporal.runOf('handoff/ch-1/9');
      expect(next.startedWith).toMatchObject({
        ...{ staticSummary: 'ch-1: enc-2 → the fittest (manual)', staticDetails: 'Asked for by a person.' },
      });
      expect(next.attributes.get('SwarmEncoder')).toBe('enc-2');
    });
    await withChannel(
      {},
      async ({ move, pass, temporal }) => {
        void move({ requestId: 'b' });
        await pass(50);
        const { startedWith, attributes } = temporal.runOf('handoff/ch-1/8');
        expect(startedWith?.staticSummary).toBe('ch-1: ? → the fittest (manual)');
        expect(attributes.has('SwarmEncoder')).toBe(false);
      },
      { carried: { ...onAir, ownerEncoderId: null } },
    );
  });

  test('that is undone tells whoever asked why, and how it ended; the channel is where it was', async () => {
    await withChannel({ prepareTarget: fails('encoder-full') }, async ({ temporal, pass, state }) => {
      const { result } = temporal.update(ID, 'move', [requestOf()]);
      await pass(5_000);
      expect(await result).toMatchObject({
        ...{ outcome: 'compensated', workflowId: 'handoff/ch-1/8', ownerEncoderId: 'enc-1' },
        failure: { code: 'encoder-full', message: 'It answered encoder-full.' },
      });
      expect(state()).toMatchObject({
        ...{ status: 'on-air', ownerEncoderId: 'enc-1', token: 4, rungs: 2, movedAtMs: null },
        ...{ detail: 'manual: compensated, It answered encoder-full.', lastMove: { outcome: 'compensated' } },
      });
    });
  });

  test('that is refused before the owner was read changes nothing of what is known', async () => {
    await withChannel({ chooseTarget: fails('no-target') }, async ({ move, pass, state }) => {
      const asked = move();
      await pass(5_000);
      expect(await asked).toBe('refused: no-target: It answered no-target.');
      expect(state()).toMatchObject({ ownerEncoderId: 'enc-1', ownerSessionId: 'old', token: 4 });
    });
  });

  test('that is undone, having begun with an answer of before the last move, changes nothing of what is known', async () => {
    const later: ChannelWorkflowState = {
      ...onAir,
      ownerEncoderId: 'enc-3',
      ownerSessionId: 'new',
      token: 6,
    };
    const stale = { takeOwnership: fails('stale-token'), returnOwnership: async () => ({ granted: null }) };
    await withChannel(
      stale,
      async ({ move, pass, state }) => {
        void move();
        await pass(5_000);
        expect(state()).toMatchObject({
          ...{ ownerEncoderId: 'enc-3', ownerSessionId: 'new', token: 6 },
          lastMove: { outcome: 'compensated', ownerEncoderId: 'enc-1', token: 4 },
        });
      },
      { carried: later },
    );
  });

  test('that is undone after it had begun to publish gives the channel back, with a new token', async () => {
    const answers = {
      awaitPublished: async (_: never, call: number) => {
        if (call === 1) await fails('session-failed')();
        return { published: true, atMs: Date.now() };
      },
    };
    await withChannel(answers, async ({ move, pass, state }) => {
      const asked = move();
      await pass(5_000);
      expect(await asked).toMatch(/^compensated: session-failed/);
      expect(state()).toMatchObject({ ownerEncoderId: 'enc-1', ownerSessionId: 'old', token: 6 });
    });
  });

  test.each([
    ['a move', 'handoff', { takeOwnership: async () => ({ token: 2, firstGop: 21, atMs: Date.now() }) }],
    ['a recovery', 'recovery', { takeOver: async () => ({ token: 2, firstGop: 21, gapsDeclared: 0 }) }],
  ])(
    'of %s that was carried out the token counts, also of an origin that began anew',
    async (_, kind, over) => {
      const carried = { ...onAir, token: 6 };
      const scene = async ({ move, recover, pass, state }: ChannelScene): Promise<void> => {
        const asked = kind === 'handoff' ? move() : recover();
        await pass(5_000);
        expect(await asked).toMatch(/^(completed|recovered)/);
        expect(state()).toMatchObject({ ownerEncoderId: 'enc-2', token: 2 });
      };
      await withChannel(over, scene, { carried });
    },
  );

  test('is refused while another is under way, or a recovery waits', async () => {
    await withChannel({}, async ({ move, recover, pass }) => {
      const first = move();
      await pass(50);
      const busy = 'move-in-progress: ch-1 is being moved already: ';
      expect(await move({ requestId: 'r-9' })).toBe(`${busy}ch-1: enc-1 → the fittest (manual).`);
      const waiting = recover({ lostEncoderId: 'enc-2' });
      await pass(50);
      expect(await move({ requestId: 'r-9' })).toBe(`${busy}a recovery waits.`);
      await pass(5_000);
      expect(await first).toMatch(/^completed/);
      expect(await waiting).toMatch(/recovery\/ch-1\/9|conflict/);
      const next = move({ requestId: 'r-9' });
      await pass(5_000);
      expect(await next).toMatch(/^completed/);
    });
  });

  test.each([
    ['without an id', { requestId: '' }, /^bad-request: requestId/],
    ['to where it is', { toEncoderId: 'enc-1' }, /^same-encoder/],
    ['of more rungs than there are', { rungs: 9 }, /^bad-request: rungs/],
  ])('%s is refused, and nothing is asked', async (_, over, refused) => {
    await withChannel({}, async ({ ask, move, calls }) => {
      expect(await move(over)).toMatch(refused);
      expect(await ask('move')).toMatch(/^bad-request: requestId/);
      expect(calls).toEqual([]);
    });
  });
});

describe('a request that comes twice is one', () => {
  test('while it is under way, and when it is over', async () => {
    await withChannel({}, async ({ move, pass, of, state }) => {
      const twice = [move(), move()];
      await pass(5_000);
      expect(await Promise.all(twice)).toEqual(Array(2).fill('completed by handoff/ch-1/8, on enc-2'));
      expect(await move()).toBe('completed by handoff/ch-1/8, on enc-2');
      expect(of('takeOwnership')).toHaveLength(1);
      expect(state().moves).toBe(8);
    });
  });

  test('when it was refused, too', async () => {
    await withChannel({ chooseTarget: fails('no-target') }, async ({ move, pass, of }) => {
      const first = move();
      await pass(5_000);
      expect([await first, await move()]).toEqual(
        Array(2).fill('refused: no-target: It answered no-target.'),
      );
      expect(of('chooseTarget')).toHaveLength(1);
    });
  });

  test('of the last 16; an older one is carried out again', async () => {
    await withChannel({ chooseTarget: fails('no-target') }, async ({ move, pass, of }) => {
      const ask = async (n: number): Promise<number> => {
        const asked = move({ requestId: `n-${n}` });
        await pass(1_000);
        await asked;
        return of('chooseTarget').length;
      };
      for (let n = 1; n <= 17; n++) if (n !== 8) await ask(n);
      expect(await ask(18)).toBe(17);
      expect(await ask(3)).toBe(17);
      expect(await ask(2)).toBe(17);
      expect(await ask(1)).toBe(18);
    });
  });

  test('while sixteen are known, the oldest is one of them', async () => {
    const answered = Array.from({ length: 15 }, (_, n) => ({
      requestId: `n-${n}`,
      refusal: { code: 'encoder-full', message: 'It was full.' },
    }));
    const scene = async ({ move, pass }: ChannelScene): Promise<void> => {
      const sixteenth = move({ requestId: 'n-15' });
      await pass(5_000);
      expect(await sixteenth).toMatch(/^completed/);
      expect(await move({ requestId: 'n-0' })).toBe('encoder-full: It was full.');
    };
    await withChannel({}, scene, { carried: onAir, answered });
  });

  test('over continue-as-new, answered and refused alike', async () => {
    const result = { outcome: 'completed', workflowId: 'handoff/ch-1/2', ownerEncoderId: 'enc-7' };
    const answered = [
      { requestId: 'good', result },
      { requestId: 'bad', refusal: { code: 'encoder-full', message: 'It was full.' } },
      { requestId: 'lost' },
    ];
    await withChannel(
      {},
      async ({ move, calls }) => {
        expect(await move({ requestId: 'good' })).toBe('completed by handoff/ch-1/2, on enc-7');
        expect(await move({ requestId: 'bad' })).toBe('encoder-full: It was full.');
        expect(await move({ requestId: 'lost' })).toBe('internal: The request had no answer.');
        expect(calls).toEqual([]);
      },
      { carried: onAir, answered },
    );
  });
});
