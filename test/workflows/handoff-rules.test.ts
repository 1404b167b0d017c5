import '../exhaustive/support/mocks';
import { refusal } from '../../workflows/kit/failures';
import { handoff } from '../../workflows/moves/handoff';
import {
  context,
  explanation,
  facts,
  inModel,
  inputOf,
  later,
  requestOf,
  resultOf,
  shownEncoder,
  shownOutcome,
  source,
  spec,
  START_MS,
  untilCancelled,
  type Answers,
  type Scene,
} from './support/moves-in-model';

/** Run and id of the first workflow of a model. */
const RUN = { workflowId: 'handoff/ch-1/13', runId: 'run-00000001' };
const target = { encoderId: 'enc-2', sessionId: 'ch-1-13-1-00000001' };
const requestId = (step: string): string => `${RUN.workflowId}/${RUN.runId}/${step}`;

const run = (answers: Answers, happen: (scene: Scene) => unknown, request: object = {}) =>
  inModel(answers, async (scene) => {
    const workflow = scene.start(handoff, RUN.workflowId, inputOf(requestOf(request)));
    await happen(scene);
    await scene.until(60_000);
    const [recorded] = scene.of('recordMove').map(({ args }) => args);
    return { ...scene, workflow, result: resultOf(workflow), recorded: recorded as { troubles: unknown[] } };
  });
const handoffWith = (answers: Answers = {}, request: object = {}) => run(answers, () => undefined, request);
const fails =
  (code: string, message = `It answered ${code}.`) =>
  async () => {
    await later(100);
    throw refusal(code as never, message);
  };
const failsAt =
  (attempt: number, code: string, otherwise: (args: never) => unknown) =>
  (args: never, number: number): unknown =>
    number === attempt ? fails(code)() : otherwise(args);
const chosen = (over: object = {}) => ({
  ...{ encoderId: 'enc-2', rungs: 2, explanation, facts, atMs: START_MS },
  ...over,
});

describe('without trouble', () => {
  test('it chooses, prepares, takes, commits, waits and releases, each with what the step before said', async () => {
    const { calls, names, workflow } = await handoffWith();
    expect(names()).toEqual([
      ...['chooseTarget', 'prepareTarget', 'takeOwnership', 'commitTarget', 'awaitPublished'],
      ...['releaseSession', 'recordMove'],
    ]);
    expect(calls.slice(0, 6).map(({ args }) => args)).toEqual([
      {
        ...{ cell: 'cell', spec, context, rungs: 2, exclude: [], sessionId: target.sessionId },
        purpose: 'handoff',
      },
      { spec, rungs: 2, fromGop: 20, ...target },
      { channelId: 'ch-1', requestId: requestId('own'), expectToken: 4, owner: target, fromGop: 21 },
      { ...target, token: 5, firstGop: 21 },
      { channelId: 'ch-1', gop: 21, owner: target, withinMs: 5_000 },
      source,
    ]);
    expect(calls[0]!.args).not.toHaveProperty('toEncoderId');
    expect(calls[2]!.args).not.toHaveProperty('discontinuity');
    expect(workflow.status).toBe('completed');
  });

  test('the digest of the secret that the target has goes from its preparation to the origin', async () => {
    const ownerSecretSha256 = 'ab'.repeat(32);
    const atMs = START_MS;
    const { of } = await handoffWith({
      prepareTarget: async () => ({ ownerSecretSha256, startedAtMs: atMs, atMs }),
    });
    expect(of('takeOwnership')[0]!.args).toMatchObject({ owner: target, ownerSecretSha256 });
  });

  test('its result has the owner, and the moments of the steps', async () => {
    const { result, recorded, workflow } = await handoffWith();
    expect(result).toEqual({
      channelId: 'ch-1',
      ...RUN,
      reason: 'manual',
      outcome: 'completed',
      fromEncoderId: 'enc-1',
      toEncoderId: 'enc-2',
      ownerEncoderId: 'enc-2',
      ownerSessionId: target.sessionId,
      token: 5,
      rungs: 2,
      firstGop: 21,
      requestedAtMs: START_MS - 5,
      preparedAtMs: START_MS + 200,
      committedAtMs: START_MS + 300,
      publishedAtMs: START_MS + 500,
      releasedAtMs: START_MS + 600,
      finishedAtMs: START_MS + 600,
      // From 180 ms to 600 ms, of 2 s.
      overlapGops: 0.21,
      gapsDeclared: 0,
      explanation,
      steps: expect.any(Array) as unknown,
    });
    expect(result.steps.map(({ name, ok, note }) => [name, ok, note])).toEqual([
      ['chooseTarget', true, 'enc-2; enc-2 is the fittest.'],
      ['prepareTarget', true, 'enc-2 has reached the live edge'],
      ['takeOwnership', true, 'token 5, from GOP 21'],
      ['commitTarget', true, undefined],
      ['awaitPublished', true, 'GOP 21 is on air'],
      ['releaseSource', true, undefined],
    ]);
    expect(recorded).toEqual({ cell: 'cell', result, troubles: [] });
    expect([shownOutcome(workflow), shownEncoder(workflow)]).toEqual(['completed', 'enc-2']);
  });

  test('a reader of the history sees what each step is for', async () => {
    const { calls, workflow } = await handoffWith();
    expect(calls.map(({ summary }) => summary)).toEqual([
      'the fittest encoder for ch-1',
      'enc-2 encodes in parallel, and holds its GOPs',
      'the commit point: enc-2 owns ch-1',
      'enc-2 publishes from GOP 21',
      'GOP 21 from enc-2',
      'enc-1 stops encoding',
      undefined,
    ]);
    expect(workflow.details.split('\n')).toEqual([
      '### ch-1: manual, asked for by a person',
      expect.stringContaining('**chooseTarget**'),
      ...Array.from({ length: 5 }, () => expect.any(String) as string),
      '- **completed**: ch-1 on enc-2',
    ]);
  });

  test('to an encoder that was asked for, with the words of who asked', async () => {
    const asked = { summary: 'enc-2 is cooler.', figures: {}, rejected: [] };
    const { calls, result, workflow } = await handoffWith({}, { toEncoderId: 'enc-2', explanation: asked });
    expect(calls[0]).toMatchObject({ args: { toEncoderId: 'enc-2' }, summary: 'may ch-1 go to enc-2?' });
    expect(result.explanation).toEqual(asked);
    expect(workflow.details.split('\n')[1]).toBe('- enc-2 is cooler.');
  });

  test.each([
    ['the one before the next', { nextGop: 21, oldestGop: 3 }, 20],
    ['the oldest that the relay has', { nextGop: 21, oldestGop: 30 }, 30],
    ['the first', { nextGop: 0, oldestGop: -1 }, 0],
  ])('the target begins with %s', async (_, over, fromGop) => {
    const { of } = await handoffWith({ chooseTarget: () => chosen({ facts: { ...facts, ...over } }) });
    expect(of('prepareTarget')[0]!.args).toMatchObject({ fromGop });
  });

  test('a seam between builds is declared', async () => {
    const { of, result } = await handoffWith({ chooseTarget: () => chosen({ discontinuity: true }) });
    expect(of('takeOwnership')[0]!.args).toMatchObject({ discontinuity: true });
    expect(result.steps[2]!.note).toBe('token 5, from GOP 21, with a declared discontinuity');
  });

  test('a silent input is no failure: the owner stands ready', async () => {
    const { result } = await handoffWith({
      awaitPublished: () => ({ published: false, atMs: START_MS + 900 }),
    });
    expect(result).toMatchObject({ outcome: 'completed', publishedAtMs: null });
    expect(result.steps.find(({ name }) => name === 'awaitPublished')!.note).toBe(
      'the input is silent; the owner is ready',
    );
  });

  test('a source that is out of reach is fenced, and left to the control cycle', async () => {
    const { result, workflow } = await handoffWith({ releaseSession: fails('encoder-unreachable') });
    expect(result).toMatchObject({ outcome: 'completed', ownerEncoderId: 'enc-2', releasedAtMs: null });
    // It may encode on: until the move ended, at 600 ms.
    expect(result.overlapGops).toBeCloseTo((result.finishedAtMs - START_MS - 180) / 2_000, 6);
    expect(workflow.details).toContain('enc-1 is fenced; its session is left to the control cycle');
  });

  test('a target that began after the source had ended did not overlap with it', async () => {
    const { result } = await handoffWith({
      prepareTarget: () => ({ startedAtMs: START_MS + 50_000, atMs: START_MS + 50_000 }),
    });
    expect(result.overlapGops).toBe(0);
  });

  test('a move that can’t be recorded has moved nevertheless', async () => {
    const { result } = await handoffWith({ recordMove: fails('unavailable') });
    expect(result).toMatchObject({ outcome: 'completed', ownerEncoderId: 'enc-2' });
  });
});

describe('is refused, and nothing is touched', () => {
  test('where no target is found', async () => {
    const { names, result, recorded, workflow } = await handoffWith({
      chooseTarget: fails('no-target', 'No encoder can take ch-1.'),
    });
    expect(names()).toEqual(['chooseTarget', 'recordMove']);
    expect(result).toMatchObject({
      ...{ outcome: 'refused', token: 0, ownerEncoderId: null, ownerSessionId: null },
      ...{ fromEncoderId: null, toEncoderId: null, committedAtMs: null, overlapGops: null },
      failure: { code: 'no-target', message: 'No encoder can take ch-1.' },
    });
    expect(recorded).toEqual({ cell: 'cell', result, troubles: [] });
    expect(shownOutcome(workflow)).toBe('refused');
    expect(workflow.details).toContain(
      '- **refused**: ch-1 on no encoder — no-target: No encoder can take ch-1.',
    );
  });

  test('where the channel is off air', async () => {
    const { names, result } = await handoffWith({
      chooseTarget: () => chosen({ facts: { ...facts, owner: null } }),
    });
    expect(names()).toEqual(['chooseTarget', 'recordMove']);
    expect(result).toMatchObject({
      outcome: 'refused',
      failure: { code: 'conflict', message: 'ch-1 is off air: there is no session to move.' },
    });
  });
});

describe('is undone, latest step first', () => {
  test('where the target can’t be prepared: it is released, the source goes on', async () => {
    const { names, of, result, recorded, workflow } = await handoffWith({
      prepareTarget: fails('encoder-full'),
    });
    expect(names()).toEqual(['chooseTarget', 'prepareTarget', 'releaseSession', 'recordMove']);
    expect(of('releaseSession')[0]).toMatchObject({ args: target, summary: 'enc-2 stops encoding' });
    expect(result).toMatchObject({
      ...{ outcome: 'compensated', ownerEncoderId: 'enc-1', ownerSessionId: 'old', token: 4 },
      failure: { code: 'encoder-full', message: 'It answered encoder-full.' },
    });
    expect(recorded.troubles).toEqual([{ encoderId: 'enc-2', kind: 'handoff-failed', atMs: START_MS + 200 }]);
    expect(shownOutcome(workflow)).toBe('compensated');
    expect(workflow.details).toContain('- undoing, latest step first: It answered encoder-full.');
    expect(result.steps.map(({ name, ok }) => [name, ok])).toEqual([
      ['chooseTarget', true],
      ['prepareTarget', false],
      ['abortTarget', true],
    ]);
  });

  test('where the target is out of reach then: its held session is left to the control cycle', async () => {
    const { result, workflow } = await handoffWith({
      prepareTarget: fails('encoder-unreachable'),
      releaseSession: fails('encoder-unreachable'),
    });
    expect(result.outcome).toBe('compensated');
    expect(workflow.details).toContain('enc-2 is silent; its held session is left to the control cycle');
  });

  test.each([['commitTarget'], ['awaitPublished']])(
    'where %s fails: the source owns the channel again, publishes, and the target is released',
    async (step) => {
      const well = async () => ({ published: true, atMs: Date.now() });
      const { calls, of, result, recorded } = await handoffWith({ [step]: failsAt(1, 'fenced', well) });
      const undo = calls.slice(calls.findIndex(({ name }) => name === 'returnOwnership'));
      expect(undo.map(({ name, args }) => [name, args])).toEqual([
        [
          'returnOwnership',
          {
            ...{ channelId: 'ch-1', requestId: requestId('return') },
            ...{ from: target, to: source, tokenBefore: 4 },
          },
        ],
        ['commitTarget', { ...source, token: 6, firstGop: 22 }],
        ['awaitPublished', { channelId: 'ch-1', gop: 22, owner: source, withinMs: 5_000 }],
        ['releaseSession', target],
        ['recordMove', expect.anything()],
      ]);
      expect(of('returnOwnership')[0]!.summary).toBe('enc-1 owns ch-1 again');
      expect(result).toMatchObject({
        ...{ outcome: 'compensated', ownerEncoderId: 'enc-1', ownerSessionId: 'old', token: 6 },
        failure: { code: 'fenced' },
      });
      expect(result.steps.find(({ name }) => name === 'returnOwnership')!.note).toBe('token 6');
      expect(recorded.troubles).toMatchObject([{ encoderId: 'enc-2', kind: 'handoff-failed' }]);
    },
  );

  test('a seam is declared on the way back too', async () => {
    const { of } = await handoffWith({
      chooseTarget: () => chosen({ discontinuity: true }),
      commitTarget: failsAt(1, 'fenced', () => undefined),
    });
    expect(of('returnOwnership')[0]!.args).toMatchObject({ discontinuity: true });
  });

  test('where somebody else owns the channel by now, that one is left alone', async () => {
    const { names, result } = await handoffWith({
      takeOwnership: fails('conflict'),
      returnOwnership: () => ({ granted: null, atMs: START_MS + 400 }),
    });
    expect(names()).toEqual([
      ...[
        'chooseTarget',
        'prepareTarget',
        'takeOwnership',
        'returnOwnership',
        'releaseSession',
        'recordMove',
      ],
    ]);
    expect(result).toMatchObject({ outcome: 'compensated', token: 4, failure: { code: 'conflict' } });
    expect(result.steps.find(({ name }) => name === 'returnOwnership')!.note).toBe(
      'somebody else owns the channel: left alone',
    );
  });

  test('where the way back is refused for good: the rest is undone, and it is shown as unresolved', async () => {
    const { names, result, workflow } = await handoffWith({
      commitTarget: fails('fenced'),
      returnOwnership: fails('internal', 'The origin is broken.'),
    });
    expect(names().slice(-3)).toEqual(['returnOwnership', 'releaseSession', 'recordMove']);
    expect(result.outcome).toBe('unresolved');
    expect(shownOutcome(workflow)).toBe('unresolved');
    expect(workflow.details).toContain('- **unresolved: returnOwnership** The origin is broken.');
  });

  test('where the way back takes long: it is shown as unresolved meanwhile, and then as what it is', async () => {
    const slow = {
      commitTarget: failsAt(1, 'fenced', () => undefined),
      returnOwnership: async () => {
        await later(15_000);
        return { granted: { token: 6, firstGop: 22, atMs: Date.now() }, atMs: Date.now() };
      },
    };
    await inModel(slow, async ({ start, until }) => {
      const workflow = start(handoff, RUN.workflowId, inputOf(requestOf()));
      await until(10_300);
      expect(shownOutcome(workflow)).toBeUndefined();
      await until(10_500);
      expect(shownOutcome(workflow)).toBe('unresolved');
      expect(workflow.details).toContain('- **unresolved: returnOwnership** keeps trying');
      await until(30_000);
      expect(shownOutcome(workflow)).toBe('compensated');
      expect(resultOf(workflow)).toMatchObject({ outcome: 'compensated', token: 6 });
      expect(workflow.details).not.toContain('**unresolved: abortTarget**');
      expect(workflow.timers).toEqual([
        'alarm unless returnOwnership is done',
        'alarm unless abortTarget is done',
      ]);
    });
  });
});

describe('goes forward where the source is gone too', () => {
  const sourceGone = { commitTarget: fails('encoder-unreachable', 'It is silent.') };
  const forward: Answers = {
    ...sourceGone,
    chooseTarget: (_: never, number) =>
      number === 1 ? chosen() : chosen({ encoderId: 'enc-3', rungs: 1, atMs: Date.now() }),
  };

  test('to a third encoder, for what the handoff failed of', async () => {
    const { of, result, recorded, workflow } = await handoffWith(forward);
    expect(of('chooseTarget')[1]!.args).toEqual({
      ...{ cell: 'cell', spec, context, rungs: 2, exclude: ['enc-1', 'enc-2'] },
      ...{ sessionId: 'ch-1-13-2-00000001', purpose: 'recovery' },
    });
    expect(of('takeOver')[0]!.args).toMatchObject({
      ...{ requestId: `${requestId('forward')}/own-2`, encoderId: 'enc-3', rungs: 1 },
      gapReason: 'handoff failed: It is silent.',
    });
    expect(result).toMatchObject({
      ...{ outcome: 'recovered', ownerEncoderId: 'enc-3', ownerSessionId: 'ch-1-13-2-00000001', token: 7 },
      ...{ toEncoderId: 'enc-3', rungs: 1, firstGop: 23, gapsDeclared: 2 },
    });
    const taken = result.steps.find(({ name }) => name === 'takeOver')!;
    expect(result.committedAtMs).toBe(taken.finishedAtMs);
    expect(result.publishedAtMs).toBe(result.steps.at(-1)!.finishedAtMs);
    expect(result).not.toHaveProperty('failure');
    expect(recorded.troubles).toMatchObject([
      { encoderId: 'enc-2', kind: 'handoff-failed' },
      { encoderId: 'enc-1', kind: 'crash', atMs: expect.any(Number) },
    ]);
    expect(shownOutcome(workflow)).toBe('recovered');
    expect(workflow.details).toContain('- enc-1 is gone too: forward to a third encoder');
  });

  test('with an input that is silent nothing was published; encoders that failed on the way are told of', async () => {
    const { result, recorded } = await handoffWith({
      ...forward,
      takeOver: failsAt(1, 'encoder-unreachable', () => ({
        ...{ token: 9, firstGop: 25, atMs: Date.now(), gapsDeclared: 0, startedAtMs: Date.now() },
      })),
      awaitPublished: () => ({ published: false, atMs: Date.now() }),
    });
    expect(result).toMatchObject({ outcome: 'recovered', token: 9, publishedAtMs: null });
    expect(recorded.troubles).toMatchObject([
      { encoderId: 'enc-2' },
      { encoderId: 'enc-1', kind: 'crash' },
      { encoderId: 'enc-3', kind: 'handoff-failed' },
    ]);
  });

  test('what it failed of is told in no more than 200 characters', async () => {
    const { of } = await handoffWith({
      ...forward,
      commitTarget: fails('encoder-unreachable', 'x'.repeat(300)),
    });
    expect(of('takeOver')[0]!.args.gapReason).toHaveLength(200);
  });
});

describe('is called off', () => {
  test('before a target is chosen: there is nothing to undo or to record', async () => {
    const { names, workflow } = await run({}, async ({ until, temporal }) => {
      await until(50);
      temporal.runOf(RUN.workflowId).scope.cancel();
    });
    expect(names()).toEqual(['chooseTarget']);
    expect(workflow.status).toBe('failed');
  });

  test('while the target is prepared: that is waited for and undone, and nobody is to blame', async () => {
    const slow = { prepareTarget: untilCancelled };
    const { names, of, workflow, recorded } = await run(slow, async ({ until, temporal }) => {
      await until(150);
      temporal.runOf(RUN.workflowId).scope.cancel();
    });
    expect(names()).toEqual(['chooseTarget', 'prepareTarget', 'releaseSession', 'recordMove']);
    expect(of('releaseSession')[0]!.atMs).toBe(180);
    expect(recorded).toMatchObject({
      ...{ result: { outcome: 'compensated', ownerEncoderId: 'enc-1' }, troubles: [] },
    });
    expect(workflow.status).toBe('failed');
    expect(workflow.failure).toMatchObject({ cause: { name: 'CancelledFailure' } });
  });

  test('from the commit point on it is finished all the same', async () => {
    const { result } = await run({}, async ({ until, temporal }) => {
      await until(250);
      temporal.runOf(RUN.workflowId).scope.cancel();
    });
    expect(result).toMatchObject({ outcome: 'completed', ownerEncoderId: 'enc-2' });
  });
});
