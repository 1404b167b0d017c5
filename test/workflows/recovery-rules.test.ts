import '../exhaustive/support/mocks';
import { refusal } from '../../workflows/kit/failures';
import { recovery } from '../../workflows/moves/recovery';
import {
  context,
  explanation,
  facts,
  inModel,
  inputOf,
  later,
  lossOf,
  resultOf,
  shownEncoder,
  shownOutcome,
  spec,
  START_MS,
  untilCancelled,
  type Answers,
  type Scene,
} from './support/moves-in-model';

const WORKFLOW_ID = 'recovery/ch-1/3';
const RUN_ID = 'run-00000001';
const sessionOf = (attempt: number): string => `ch-1-3-${attempt}-00000001`;

const recoveryWith = (
  answers: Answers = {},
  {
    request = {},
    input = {},
    happen = () => undefined,
  }: {
    request?: object;
    input?: object;
    happen?: (scene: Scene) => unknown;
  } = {},
) =>
  inModel(answers, async (scene) => {
    const workflow = scene.start(recovery, WORKFLOW_ID, inputOf(lossOf(request), input));
    await happen(scene);
    await scene.until(100_000);
    return { ...scene, workflow, result: resultOf(workflow) };
  });
const fails = (code: string, details?: Record<string, unknown>) => async () => {
  await later(100);
  throw refusal(code as never, `It answered ${code}.`, undefined, details);
};
/** Fails so many times, then goes well. */
const failsFirst =
  (times: number, code: string, well: () => unknown) =>
  (_: never, number: number): unknown =>
    number <= times ? fails(code)() : well();
const taken = () => ({
  ...{ token: 7, firstGop: 23, atMs: Date.now(), gapsDeclared: 2, startedAtMs: Date.now() - 30 },
});
const chosen = (over: object = {}) => ({
  ...{ encoderId: 'enc-2', rungs: 2, explanation, facts, atMs: Date.now() },
  ...over,
});
const owned =
  (encoderId: string, sessionId = 'old') =>
  () =>
    chosen({ facts: { ...facts, owner: { encoderId, sessionId } } });

describe('a lost owner', () => {
  test('is fenced: the channel is taken over elsewhere, from the first GOP that is missing', async () => {
    const { calls, names, result, workflow } = await recoveryWith();
    expect(names()).toEqual(['chooseTarget', 'takeOver', 'awaitPublished', 'recordMove']);
    expect(calls.slice(0, 3).map(({ args }) => args)).toEqual([
      {
        ...{ cell: 'cell', spec, context, rungs: 2, exclude: ['enc-1'], sessionId: sessionOf(1) },
        purpose: 'recovery',
      },
      {
        ...{ spec, requestId: `${WORKFLOW_ID}/${RUN_ID}/own-1`, encoderId: 'enc-2', rungs: 2, facts },
        ...{ sessionId: sessionOf(1), gapReason: 'encoder-lost: it is silent' },
      },
      {
        ...{ channelId: 'ch-1', gop: 23, withinMs: 8_000 },
        owner: { encoderId: 'enc-2', sessionId: sessionOf(1) },
      },
    ]);
    expect(calls[1]!.args).not.toHaveProperty('discontinuity');
    expect(workflow.status).toBe('completed');
    expect(result).toMatchObject({
      ...{ channelId: 'ch-1', workflowId: WORKFLOW_ID, runId: RUN_ID, reason: 'encoder-lost' },
      ...{ outcome: 'recovered', fromEncoderId: 'enc-1', toEncoderId: 'enc-2', ownerEncoderId: 'enc-2' },
      ...{ ownerSessionId: sessionOf(1), token: 7, rungs: 2, firstGop: 23, gapsDeclared: 2, explanation },
      ...{ preparedAtMs: START_MS + 170, committedAtMs: START_MS + 200, publishedAtMs: START_MS + 300 },
      ...{ releasedAtMs: null, requestedAtMs: START_MS - 5, finishedAtMs: START_MS + 300 },
    });
    expect([shownOutcome(workflow), shownEncoder(workflow)]).toEqual(['recovered', 'enc-2']);
  });

  test('is told in the history and in the story', async () => {
    const { calls, result, workflow } = await recoveryWith();
    expect(calls.slice(0, 3).map(({ summary }) => summary)).toEqual([
      'the fittest encoder for ch-1, attempt 1',
      'fence the old owner, start on enc-2',
      'GOP 23 from enc-2',
    ]);
    expect(result.steps.map(({ name, note }) => [name, note])).toEqual([
      ['chooseTarget', 'enc-2, 2 rung(s); enc-2 is the fittest.'],
      ['takeOver', 'token 7, from GOP 23'],
      ['awaitPublished', 'GOP 23 is on air'],
    ]);
    expect(workflow.details.split('\n').slice(0, 2)).toEqual([
      '### ch-1: encoder-lost of enc-1',
      '- it is silent',
    ]);
  });

  test('counts as one crash at the time of the report, a lost session as none', async () => {
    const troublesOf = async (request: object): Promise<unknown> => {
      const { of, result } = await recoveryWith({ chooseTarget: owned('enc-1', 's-1') }, { request });
      expect(of('recordMove')[0]!.args).toMatchObject({ cell: 'cell', result });
      return of('recordMove')[0]!.args.troubles;
    };
    expect(await troublesOf({})).toEqual([{ encoderId: 'enc-1', kind: 'crash', atMs: START_MS - 5 }]);
    expect(await troublesOf({ reason: 'session-failed', lostSessionId: 's-1' })).toEqual([]);
    expect(await troublesOf({ lostEncoderId: null, lostSessionId: 's-1' })).toEqual([]);
  });

  test('that can’t be recorded is recovered nevertheless', async () => {
    expect((await recoveryWith({ recordMove: fails('unavailable') })).result.outcome).toBe('recovered');
  });

  test('of long GOPs is given the time of two and a half of them', async () => {
    const long = { ...spec, gopDurationTicks: 360_000 };
    const { of } = await recoveryWith({}, { input: { spec: long } });
    expect(of('awaitPublished')[0]!.args).toMatchObject({ withinMs: 10_000 });
  });

  test('of another build is followed by a declared seam; a silent input leaves nothing published', async () => {
    const { of, result } = await recoveryWith({
      chooseTarget: () => chosen({ discontinuity: true, rungs: 1 }),
      awaitPublished: () => ({ published: false, atMs: Date.now() }),
    });
    expect(of('takeOver')[0]!.args).toMatchObject({ discontinuity: true, rungs: 1 });
    expect(result).toMatchObject({ outcome: 'recovered', rungs: 1, publishedAtMs: null });
    expect(result.steps[2]!.note).toBe('the input is silent; the owner is ready');
  });

  test('is told of in no more than 200 characters', async () => {
    const { of } = await recoveryWith({}, { request: { evidence: 'x'.repeat(300) } });
    expect(of('takeOver')[0]!.args.gapReason).toHaveLength(200);
  });
});

test('the first placement excludes nobody, and is completed', async () => {
  const request = { reason: 'start', lostEncoderId: null, evidence: '' };
  const { of, result, workflow } = await recoveryWith(
    { chooseTarget: () => chosen({ facts: { ...facts, owner: null } }) },
    { request },
  );
  expect(of('chooseTarget')[0]!.args).toMatchObject({ exclude: [] });
  expect(result).toMatchObject({ outcome: 'completed', fromEncoderId: null, ownerEncoderId: 'enc-2' });
  expect(of('recordMove')[0]!.args.troubles).toEqual([]);
  expect(workflow.details.split('\n').slice(0, 2)).toEqual([
    '### ch-1: start',
    expect.stringContaining('**chooseTarget**'),
  ]);
});

describe('a late report takes nothing from an owner that works', () => {
  test.each([
    ['another encoder owns it', owned('enc-3'), {}],
    ['another session owns it', owned('enc-1', 'newer'), { lostSessionId: 'old' }],
    ['it is a first placement', owned('enc-1'), { reason: 'start' }],
  ])('%s', async (_, chooseTarget, request) => {
    const { names, result, workflow } = await recoveryWith({ chooseTarget }, { request });
    expect(names()).toEqual(['chooseTarget']);
    const { owner } = chooseTarget().facts as { owner: { encoderId: string; sessionId: string } };
    expect(result).toMatchObject({
      ...{ outcome: 'refused', ownerEncoderId: owner.encoderId, ownerSessionId: owner.sessionId, token: 4 },
      failure: {
        code: 'conflict',
        message: `ch-1 is owned by session ${owner.sessionId} on ${owner.encoderId}, not by the lost one.`,
      },
    });
    expect(shownOutcome(workflow)).toBe('refused');
  });

  test.each([
    ['the lost encoder owns it', owned('enc-1'), {}],
    ['the lost session owns it', owned('enc-1', 's-1'), { lostSessionId: 's-1' }],
    ['nobody owns it', () => chosen({ facts: { ...facts, owner: null } }), { reason: 'start' }],
  ])('but it goes on where %s', async (_, chooseTarget, request) => {
    expect((await recoveryWith({ chooseTarget }, { request })).result.ownerEncoderId).toBe('enc-2');
  });

  test('and it is looked at once: an own attempt may own the channel later', async () => {
    const owners = (_: never, number: number) => (number === 1 ? chosen() : owned('enc-2', sessionOf(1))());
    const { result } = await recoveryWith({
      chooseTarget: owners,
      awaitPublished: failsFirst(1, 'timeout', () => ({ published: true, atMs: Date.now() })),
    });
    expect(result).toMatchObject({ outcome: 'recovered', ownerSessionId: sessionOf(2) });
    const continued = await recoveryWith(
      { chooseTarget: owned('enc-2', 'mine') },
      { input: { attempts: 3 } },
    );
    expect(continued.result).toMatchObject({ outcome: 'recovered', ownerSessionId: sessionOf(4) });
  });

  test('nor is it tried again where the origin says so, or the channel is gone', async () => {
    const owner = { encoderId: 'enc-9', sessionId: 'other' };
    const { names, result } = await recoveryWith({ takeOver: fails('conflict', { owner, token: 11 }) });
    expect(names()).toEqual(['chooseTarget', 'takeOver']);
    expect(result).toMatchObject({
      ...{ outcome: 'refused', ownerEncoderId: 'enc-9', ownerSessionId: 'other', token: 11 },
      failure: { code: 'conflict' },
    });
    const noToken = await recoveryWith({ takeOver: fails('conflict', { owner }) });
    expect(noToken.result).toMatchObject({ ownerEncoderId: 'enc-9', token: 0 });
    const gone = await recoveryWith({ chooseTarget: fails('unknown-channel') });
    expect(gone.names()).toEqual(['chooseTarget']);
    expect(gone.result).toMatchObject({
      ...{ outcome: 'refused', ownerEncoderId: null, token: 0, failure: { code: 'unknown-channel' } },
    });
  });
});

describe('an attempt that fails', () => {
  test('for a fault of the origin is no fault of the encoder: it may be chosen again, and is not blamed', async () => {
    for (const step of ['takeOver', 'awaitPublished'] as const) {
      const { of, result } = await recoveryWith({
        [step]: (_: never, number: number) =>
          number === 1
            ? fails('storage-full', { faultOf: 'origin' })()
            : step === 'takeOver'
              ? taken()
              : { published: true, atMs: Date.now() },
      });
      expect(of('chooseTarget').map(({ args }) => args.exclude)).toEqual([['enc-1'], ['enc-1']]);
      expect(of('releaseSession').map(({ args }) => args.sessionId)).toEqual([sessionOf(1)]);
      expect(result).toMatchObject({ outcome: 'recovered', ownerSessionId: sessionOf(2) });
      expect(JSON.stringify(of('recordMove')[0]!.args.troubles)).not.toContain('handoff-failed');
    }
  });

  test('is followed by one on another encoder, with a session and a request of its own', async () => {
    const { of, result } = await recoveryWith({
      chooseTarget: (_: never, number) => chosen({ encoderId: `enc-${number + 1}` }),
      takeOver: failsFirst(1, 'encoder-unreachable', taken),
    });
    expect(of('chooseTarget').map(({ args }) => [args.exclude, args.sessionId])).toEqual([
      [['enc-1'], sessionOf(1)],
      [['enc-1', 'enc-2'], sessionOf(2)],
    ]);
    expect(of('takeOver')[1]!.args).toMatchObject({
      ...{ requestId: `${WORKFLOW_ID}/${RUN_ID}/own-2`, sessionId: sessionOf(2), encoderId: 'enc-3' },
    });
    expect(of('releaseSession').map(({ args }) => args)).toEqual([
      { encoderId: 'enc-2', sessionId: sessionOf(1) },
    ]);
    expect(result).toMatchObject({ outcome: 'recovered', ownerEncoderId: 'enc-3' });
    expect(of('recordMove')[0]!.args.troubles).toEqual([
      { encoderId: 'enc-2', kind: 'handoff-failed', atMs: START_MS + 100 },
      { encoderId: 'enc-1', kind: 'crash', atMs: START_MS - 5 },
    ]);
  });

  test('may leave a session behind that can’t be released: the recovery does not fail by it', async () => {
    const { result } = await recoveryWith({
      awaitPublished: failsFirst(1, 'timeout', () => ({ published: true, atMs: Date.now() })),
      releaseSession: fails('encoder-unreachable'),
    });
    expect(result.outcome).toBe('recovered');
  });

  test('ends once what it left behind is released, so that the recovery leaves nothing running', async () => {
    const { of, result } = await recoveryWith({
      takeOver: failsFirst(1, 'encoder-unreachable', taken),
      releaseSession: async () => {
        await later(3_000);
        return { atMs: Date.now() };
      },
    });
    expect(of('recordMove')[0]!.atMs).toBe(of('releaseSession')[0]!.atMs + 3_000);
    expect(result.outcome).toBe('recovered');
  });

  test('is followed by the next after 200 ms, then ever later, up to 10 s', async () => {
    const { of } = await recoveryWith({ chooseTarget: failsFirst(9, 'no-target', () => chosen()) });
    const times = of('chooseTarget').map(({ atMs }) => atMs);
    // Each attempt itself takes 100 ms.
    expect(times.slice(1).map((atMs, i) => atMs - times[i]! - 100)).toEqual([
      ...[200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000],
    ]);
  });

  test('for want of a target lets all be asked again, also the lost one', async () => {
    const { of } = await recoveryWith({
      chooseTarget: (_: never, number) =>
        number === 2 ? fails('no-target')() : chosen({ encoderId: `enc-${number + 1}` }),
      takeOver: failsFirst(1, 'encoder-full', taken),
    });
    expect(of('chooseTarget').map(({ args }) => args.exclude)).toEqual([['enc-1'], ['enc-1', 'enc-2'], []]);
    expect(of('releaseSession')).toHaveLength(1);
  });

  test('four times shows the channel as unresolved, until one succeeds', async () => {
    const failing = { chooseTarget: failsFirst(4, 'no-target', () => chosen()) };
    await inModel(failing, async ({ start, until }) => {
      const workflow = start(recovery, WORKFLOW_ID, inputOf(lossOf()));
      await until(1_650);
      expect(shownOutcome(workflow)).toBeUndefined();
      await until(1_850);
      expect(shownOutcome(workflow)).toBe('unresolved');
      expect(workflow.details).toContain('- **unresolved** after 4 attempts: It answered no-target.');
      expect(workflow.details).not.toContain('after 3 attempts');
      await until(60_000);
      expect(shownOutcome(workflow)).toBe('recovered');
      expect(workflow.timers).toEqual([2, 3, 4, 5].map((attempt) => `before attempt ${attempt} for ch-1`));
    });
  });

  test('continues as new, with its count, where the history has grown long', async () => {
    const { of, result, temporal } = await recoveryWith(
      { chooseTarget: failsFirst(2, 'no-target', () => chosen()) },
      { happen: ({ temporal: { longRunIds } }) => longRunIds.add(RUN_ID) },
    );
    expect(temporal.runOf(WORKFLOW_ID).runId).not.toBe(RUN_ID);
    expect(of('chooseTarget').map(({ summary }) => summary)).toEqual([
      'the fittest encoder for ch-1, attempt 1',
      'the fittest encoder for ch-1, attempt 2',
      'the fittest encoder for ch-1, attempt 3',
    ]);
    expect(of('takeOver')[0]!.args.requestId).toMatch(/own-3$/);
    expect(result).toMatchObject({ outcome: 'recovered', runId: temporal.runOf(WORKFLOW_ID).runId });
  });
});

describe('a recovery that is called off', () => {
  test('ends as cancelled, whatever it still showed, and records nothing', async () => {
    const { of, workflow } = await recoveryWith(
      { takeOver: untilCancelled },
      {
        happen: async ({ until, temporal }) => {
          await until(150);
          temporal.runOf(WORKFLOW_ID).scope.cancel();
        },
      },
    );
    expect(workflow.status).toBe('failed');
    expect(workflow.failure).toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(shownOutcome(workflow)).toBe('cancelled');
    expect([of('chooseTarget').length, of('releaseSession').length, of('recordMove').length]).toEqual([
      1, 0, 0,
    ]);
  });
});
