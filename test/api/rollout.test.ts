import type { RunningApi } from '../../src/api/server';
import { runCli, type CliRun } from '../cli/run-cli';
import type { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi } from './running-api';

let api: RunningApi & { swarm: FakeSwarm };
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.stop());

const call = (path: string, options: Parameters<typeof ask>[1] = {}) =>
  ask(`${api.url}/api/rollout${path}`, options);
const run = (...args: string[]): Promise<CliRun> => runCli(args, { env: { SWARM_API_URL: api.url } });

test('a rollout is started, looked at, paused, resumed, aborted', async () => {
  expect((await call('')).status).toBe(204);
  const started = await call('', { json: { buildId: 'newer', policy: { soakSeconds: 5 } } });
  expect(started).toMatchObject({ status: 201, body: { phase: 'soaking' } });
  expect(started.body.request.policy).toMatchObject({ soakSeconds: 5, canaryShare: 0.25 });
  expect(started.body.request.requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect((await call('/pause', { json: {} })).body.paused).toBe(true);
  expect((await call('/resume', { json: {} })).body.paused).toBe(false);
  expect((await call('/abort', { json: {} })).body).toMatchObject({
    phase: 'rolling-back',
    verdict: {
      outcome: 'undecided',
      summary: expect.stringMatching(/^undecided; least is known of /) as string,
    },
  });
  expect(api.swarm.rollouts.asked).toEqual(['pause', 'resume', 'abort']);
});

test('one that holds is answered', async () => {
  api.swarm.rollouts.run('newer', { phase: 'holding' });
  expect((await call('/decide', { json: { decision: 'continue' } })).body.phase).toBe('soaking');
  expect((await call('/decide', { json: { decision: 'continue' } })).status).toBe(409);
});

test.each([
  ['', {}, 400, 'buildId'],
  ['', { buildId: 'Not An Id' }, 400, 'buildId'],
  ['', { buildId: 'newer', policy: { canaryShare: 0.9 } }, 400, 'canaryShare'],
  ['', { buildId: 'newer', policy: { soakSecond: 1 } }, 400, 'soakSecond'],
  ['', { buildId: 'newer', requestedBy: 'me' }, 400, 'requestedBy'],
  ['', { buildId: 'nothing' }, 404, 'no build nothing'],
  ['/pause', { hard: true }, 400, 'hard'],
  ['/pause', {}, 409, 'No rollout is under way'],
  ['/decide', { decision: 'perhaps' }, 400, 'decision'],
])('POST /rollout%s %j is refused, and changes nothing', async (path, json, status, message) => {
  const answer = await call(path, { json });
  expect(answer.status).toBe(status);
  expect(answer.body.error.message).toContain(message);
  expect(api.swarm.rollouts.state).toBeNull();
});

describe('the command line', () => {
  test('start shows the waves; with --json the state', async () => {
    const started = await run('rollout', 'start', 'newer', '--no-wait', '--soak-seconds', '7');
    expect(started).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /Rollout of newer: soaking[\s\S]*canary +enc-1 +a +older +upgraded[\s\S]*quality +8 +1 +15\.0 +15\.5/,
      ) as string,
    });
    expect(api.swarm.rollouts.state?.request.policy.soakSeconds).toBe(7);
    api.swarm.rollouts.state = null;
    const json = await run('rollout', 'start', 'newer', '--no-wait', '--json', '--api', api.url);
    expect(JSON.parse(json.stdout)).toMatchObject({ request: { policy: { soakSeconds: 20 } } });
    const status = await run('rollout', 'status', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ phase: 'soaking', request: { buildId: 'newer' } });
    const again = await run('rollout', 'start', 'newer');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('under way') as string });
  });

  const worse = { ...{ metric: 'quality', comparisons: 8, worse: 8 }, newMean: 13.1, oldMean: 15.5 };
  test.each([
    [
      { rollback: { kind: 'worse', ...worse, eWorse: 214, worseFrom: 100 } },
      '! worse: newer is worse, above all in quality: worse in 8 of 8 comparisons, 13.1 against 15.5 (e-value 214, limit 100).\n',
    ],
    [{ rollback: { kind: 'aborted', requestedBy: 'operator' } }, '! aborted: aborted by operator.\n'],
    [
      { rollback: { kind: 'decided', requestedBy: 'operator' } },
      '! decided: operator decided to roll back: undecided; least is known of ',
    ],
    [
      {
        rollback: { kind: 'failed', code: 'timeout', message: 'It was late.' },
        failure: { code: 'timeout', message: 'It was late.' },
      },
      '! timeout: It was late.\n',
    ],
    // As earlier versions ended it.
    [{ failure: { code: 'conflict', message: 'newer is worse' } }, '! conflict: newer is worse\n'],
  ])('it waits for the end; one that went back is a failure, and says why: %j', async (given, line) => {
    const end = setInterval(() => {
      if (!api.swarm.rollouts.state) return;
      Object.assign(api.swarm.rollouts.state, { phase: 'rolled-back', ...given });
    }, 200);
    const waited = await run('rollout', 'start', 'newer').finally(() => clearInterval(end));
    expect(waited).toMatchObject({ code: 1, stdout: expect.stringContaining(line) as string });
    expect(waited.stdout.match(/^! .*/gm)).toHaveLength(1);
    expect(waited.stdout).not.toContain('..');
  });

  test('who follows it outlasts a restart of Temporal', async () => {
    const state = api.swarm.rollouts.run();
    api.swarm.silent.add('temporal');
    const before = api.swarm.calls;
    const watching = run('rollout', 'status', '--watch');
    while (api.swarm.calls < before + 2) await new Promise((resolve) => setTimeout(resolve, 50));
    Object.assign(state, { phase: 'completed', finishedAtMs: Date.now() });
    api.swarm.silent.delete('temporal');
    expect(await watching).toMatchObject({ code: 0, stdout: expect.stringContaining('completed') as string });
  }, 60_000);

  test('pause, abort, decide, and no rollout at all', async () => {
    expect((await run('rollout', 'status')).stdout).toContain('There was no rollout yet.');
    expect((await run('rollout', 'pause')).code).toBe(1);
    api.swarm.rollouts.run();
    expect((await run('rollout', 'pause')).stdout).toContain('soaking, paused');
    expect((await run('rollout', 'resume')).code).toBe(0);
    expect((await run('rollout', 'abort')).stdout).toContain('rolling-back');
    api.swarm.rollouts.run('newer', { phase: 'holding' });
    expect((await run('rollout', 'status')).stdout).toContain('decide continue|roll-back');
    expect((await run('rollout', 'decide', 'continue')).code).toBe(0);
    expect((await run('rollout', 'start', 'newer', '--soak-seconds', '-1')).code).toBe(2);
  });
});
