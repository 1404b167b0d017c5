import '../exhaustive/support/mocks';
import type { ChannelChange, ChannelWorkflowState, MoveResult } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain';
import { changeChannel } from '../../workflows/moves/channel-change';
import { ID, fails, onAir, withChannel, type ChannelScene } from './support/channel-in-model';
import { context, explanation, facts, later, spec, START_MS } from './support/moves-in-model';

const known = {
  spec: channelWithDefaults('news'),
  ownerEncoderId: 'enc-1',
  rungs: 1,
} as ChannelWorkflowState;
const input = { kind: 'url', url: 'http://camera/live.ts' } as const;

const changed = async (change: ChannelChange): Promise<string[]> => {
  const steps: string[] = [];
  await changeChannel(known, change, {
    register: (spec) => Promise.resolve(void steps.push(`register ${spec.input.kind}`)),
    handoff: ({ spec }) => {
      steps.push(`handoff ${spec.deinterlace ?? 'none'}`);
      return Promise.resolve({ outcome: 'completed' } as MoveResult);
    },
  });
  return steps;
};

test('another input alone moves no session', async () => {
  expect(await changed({ input })).toEqual(['register url']);
});

test('another deinterlacing comes with a handoff, after the input that needs it', async () => {
  expect(await changed({ input, deinterlace: 'frame' })).toEqual(['register url', 'handoff frame']);
  expect(await changed({ deinterlace: 'none' })).toEqual([]);
  // The source makes pictures of fields.
  expect(await changed({ deinterlace: 'field' })).toEqual(['register generated', 'handoff field']);
});

const ladder = spec.ladder.slice(0, 1).map((rung) => ({ ...rung, name: 'other', bitrateKbps: 321 }));
const asking = (change: unknown, over: object = {}): object => ({
  ...{ requestId: 'c-1', change, requestedAtMs: START_MS - 5, requestedBy: 'a person' },
  ...over,
});
const askFor = ({ ask }: ChannelScene, change: unknown, over: object = {}): Promise<string> =>
  ask('change', asking(change, over));

describe('another ladder', () => {
  test('comes with a handoff to a session of the same encoder', async () => {
    await withChannel({}, async ({ temporal, pass, of, state, details }) => {
      const { result } = temporal.update(ID, 'change', [asking({ ladder })]);
      await pass(50);
      expect(state()).toMatchObject({ status: 'moving', detail: 'ch-1: is being changed', moves: 8 });
      const { startedWith, attributes } = temporal.runOf('handoff/ch-1/8');
      expect(startedWith).toMatchObject({
        ...{ staticSummary: 'ch-1: is being changed', staticDetails: 'Asked for by a person.' },
      });
      expect(Object.fromEntries(attributes)).toMatchObject({
        ...{ SwarmCell: 'cell', SwarmChannel: 'ch-1', SwarmReason: 'ladder', SwarmEncoder: 'enc-1' },
      });
      await pass(5_000);
      expect(await result).toMatchObject({ id: 'ch-1', ladder, viewersPerRung: [] });
      expect(of('chooseTarget').map(({ args }) => args)).toMatchObject([
        { cell: 'cell', context, spec: { ladder }, rungs: 1, toEncoderId: 'enc-1', otherLadder: true },
      ]);
      expect(state()).toMatchObject({
        ...{ status: 'on-air', spec: { ladder }, rungs: 1, detail: 'is changed' },
        lastMove: { reason: 'ladder', outcome: 'completed', requestedAtMs: START_MS - 5 },
      });
      expect(details()[2]).toBe('- now: is changed');
      expect(of('registerChannel')).toEqual([]);
    });
  });

  test('one that the channel has already moves nothing', async () => {
    await withChannel({}, async (scene) => {
      const asked = askFor(scene, { ladder: spec.ladder, viewersPerRung: spec.viewersPerRung });
      await scene.pass(5_000);
      expect(await asked).toBe('done');
      expect(scene.calls).toEqual([]);
    });
  });

  test.each([
    ['all that are always on', [0, 0, 0], 2, 4],
    ['as many as before, of those that follow the audience', [0, 100, 200], 3, 3],
    ['as many as there are', [50], 3, 2],
  ])('of its rungs are on air: %s', async (_, viewersPerRung, before, expected) => {
    const rung = ladder[0]!;
    const longer = [rung, ...viewersPerRung.map((_, i) => ({ ...rung, name: `r${i}` }))];
    const carried = { ...onAir, rungs: before };
    const scene = async (scene: ChannelScene): Promise<void> => {
      const asked = askFor(scene, { ladder: longer, viewersPerRung });
      await scene.pass(5_000);
      await asked;
      expect(scene.state().rungs).toBe(expected);
    };
    await withChannel({}, scene, { carried });
  });

  test.each(['encoder-full', 'encoder-cordoned', 'encoder-unreachable', 'encoder-incompatible'])(
    'goes elsewhere where its encoder answers %s',
    async (code) => {
      const answers = {
        chooseTarget: async ({ rungs, toEncoderId }: { rungs: number; toEncoderId?: string }) => {
          if (toEncoderId) await fails(code)();
          return { encoderId: 'enc-2', rungs, explanation, facts, atMs: Date.now() };
        },
      };
      await withChannel(answers, async (scene) => {
        const asked = askFor(scene, { ladder });
        await scene.pass(5_000);
        expect(await asked).toBe('done');
        const [first, second, ...more] = scene.of('chooseTarget').map(({ args }) => args);
        expect(first).toMatchObject({ toEncoderId: 'enc-1', rungs: 1, otherLadder: true });
        expect(second).toMatchObject({ spec: { ladder }, rungs: 1, otherLadder: true });
        expect(second).not.toHaveProperty('toEncoderId');
        expect(more).toEqual([]);
        expect(scene.state()).toMatchObject({ ownerEncoderId: 'enc-2', spec: { ladder }, moves: 9 });
        expect(scene.temporal.runOf('handoff/ch-1/9').attributes.get('SwarmEncoder')).toBe('enc-2');
      });
    },
  );

  test.each([
    ['by a refusal that every encoder would give', { chooseTarget: fails('no-target') }, 'no-target'],
    ['by an encoder that had been chosen', { prepareTarget: fails('encoder-full') }, 'encoder-full'],
  ])('is refused %s, and the channel is what it was', async (_, answers, code) => {
    await withChannel(answers, async (scene) => {
      const asked = askFor(scene, { ladder });
      await scene.pass(5_000);
      expect(await asked).toBe(`${code}: It answered ${code}.`);
      expect(scene.of('chooseTarget')).toHaveLength(1);
      expect(scene.of('registerChannel')).toEqual([]);
      expect(scene.state()).toMatchObject({ status: 'on-air', ownerEncoderId: 'enc-1' });
      expect(scene.state().spec).toEqual(spec);
      expect(scene.state().detail).toBe(`ch-1: is being changed failed: It answered ${code}.`);
    });
  });

  test('of a channel that is off air comes with its next encoder', async () => {
    const carried = { ...onAir, ...{ status: 'off-air', ownerEncoderId: null, ownerSessionId: null } };
    const scene = async (scene: ChannelScene): Promise<void> => {
      const asked = askFor(scene, { ladder });
      await scene.pass(50);
      expect(await asked).toBe('done');
      expect(scene.calls).toEqual([]);
      expect(scene.state()).toMatchObject({ status: 'off-air', spec: { ladder }, moves: 7 });
    };
    await withChannel({}, scene, { carried });
  });
});

describe('another input', () => {
  test('has to be there', async () => {
    await withChannel({}, async (scene) => {
      const asked = askFor(scene, { input });
      await scene.pass(5_000);
      expect(await asked).toBe('done');
      expect(scene.of('registerChannel')).toMatchObject([
        {
          ...{ args: { id: 'ch-1', input }, options: { inputMayBeAway: false } },
          summary: 'relay, origin and source of ch-1',
        },
      ]);
      expect(scene.of('chooseTarget')).toEqual([]);
      expect(scene.state().spec.input).toEqual(input);
    });
  });

  test('so has one that stands by, which is told to the source too', async () => {
    await withChannel({}, async (scene) => {
      const standby = { inputs: [input] };
      const asked = askFor(scene, { standby });
      await scene.pass(5_000);
      expect(await asked).toBe('done');
      expect(scene.of('registerChannel')).toMatchObject([{ args: { standby } }]);
    });
  });

  test('that is refused changes nothing, nor does what came with it', async () => {
    await withChannel({ registerChannel: fails('input-not-video') }, async (scene) => {
      const asked = askFor(scene, { input, ladder });
      await scene.pass(5_000);
      expect(await asked).toBe('input-not-video: It answered input-not-video.');
      expect(scene.of('chooseTarget')).toEqual([]);
      expect(new Set(scene.of('registerChannel').map(({ args }) => args.input))).toEqual(new Set([input]));
      expect(scene.state().spec).toEqual(spec);
    });
  });

  test('is changed back where the ladder that came with it is refused; by then the old one may be away', async () => {
    await withChannel({ chooseTarget: fails('no-target') }, async (scene) => {
      const asked = askFor(scene, { input, ladder });
      await scene.pass(5_000);
      expect(await asked).toBe('no-target: It answered no-target.');
      expect(scene.of('registerChannel')).toMatchObject([
        { args: { input }, options: { inputMayBeAway: false } },
        { args: { input: spec.input }, options: { inputMayBeAway: true } },
      ]);
      expect(scene.state().spec).toEqual(spec);
    });
  });

  test('waits until the channel is registered again, which it may be while its input is away', async () => {
    await withChannel({}, async (scene) => {
      void scene.ask('registerAgain');
      await scene.pass(50);
      const asked = askFor(scene, { input });
      await scene.pass(5_000);
      expect(await asked).toBe('done');
      expect(scene.of('registerChannel')).toMatchObject([
        { atMs: 0, args: { input: spec.input }, options: { inputMayBeAway: true } },
        { atMs: 100, args: { input }, options: { inputMayBeAway: false } },
      ]);
    });
  });
});

describe('a change and what is under way', () => {
  const busy = /^move-in-progress: ch-1 is being moved already: ch-1: enc-1 → enc-2 \(manual\)\.$/;

  test('a move of a channel that is on air goes on, and the change is refused', async () => {
    await withChannel({}, async (scene) => {
      const moved = scene.move({ toEncoderId: 'enc-2' });
      await scene.pass(50);
      expect(await askFor(scene, { ladder })).toMatch(busy);
      await scene.pass(5_000);
      expect(await moved).toMatch(/^completed/);
      expect(scene.of('chooseTarget')).toHaveLength(1);
    });
  });

  test('a recovery that looks for an encoder is called off: the change is what it waits for', async () => {
    const carried = { ...onAir, ...{ status: 'off-air', ownerEncoderId: null, ownerSessionId: null } };
    const answers = { chooseTarget: async () => later(60_000).then(fails('no-target')) };
    const scene = async (scene: ChannelScene): Promise<void> => {
      const recovered = scene.recover();
      await scene.pass(150);
      const asked = askFor(scene, { ladder });
      await scene.pass(3_000);
      expect(await asked).toBe('done');
      expect(await recovered).toMatch(/^conflict: The move was called off/);
      expect(scene.state()).toMatchObject({ status: 'off-air', spec: { ladder }, detail: 'is changed' });
    };
    await withChannel(answers, scene, { carried });
  });

  test('of a channel that is being removed nothing is changed', async () => {
    await withChannel({}, async (scene) => {
      void scene.ask('remove');
      await scene.pass(50);
      expect(await askFor(scene, { ladder })).toBe('unknown-channel: There is no channel ch-1.');
    });
  });
});

describe('who asked', () => {
  test('is an operator where an earlier release did not say', async () => {
    await withChannel({}, async (scene) => {
      const asked = askFor(scene, { ladder }, { requestedBy: undefined });
      await scene.pass(5_000);
      expect(await asked).toBe('done');
      const { startedWith } = scene.temporal.runOf('handoff/ch-1/8');
      expect(startedWith?.staticDetails).toBe('Asked for by operator.');
    });
  });

  test.each([
    ['without an id', { ladder }, { requestId: '' }, /^bad-request: requestId/],
    ['without a change', undefined, {}, /^bad-request: change must be an object/],
  ])('%s, a change is refused', async (_, change, over, refused) => {
    await withChannel({}, async (scene) => {
      expect(await askFor(scene, change, over)).toMatch(refused);
      expect(scene.calls).toEqual([]);
    });
  });
});
