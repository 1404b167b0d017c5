import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningApi } from '../../src/api/server';
import { RunRecord } from '../../src/platform/processes/run-record';
import type { FakeSwarm } from '../api/fake-swarm';
import { moveResult } from '../api/move-result';
import { startFakeApi } from '../api/running-api';
import { runCli, type CliRun } from './run-cli';

let api: RunningApi & { swarm: FakeSwarm };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarm-cli-'));
  api = await startFakeApi();
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<CliRun> =>
  runCli(args, { env: { SWARM_API_URL: api.url, SWARM_STATE_DIR: folder } });

test('status: tables for people, JSON for programs', async () => {
  api.swarm.remember(moveResult('ch-1', 'enc-1', 'enc-2', 2, { reason: 'operator' }));
  const [text, json] = await Promise.all([run('status'), run('status', '--json')]);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toContain('Swarm local: degraded. 6 of 6 channels on air.');
  expect(text.stdout).toMatch(/enc-1 +a +overloaded +5\.\d\d/);
  expect(text.stdout).toMatch(/ch-1 +on-air +enc-1 +180p\+144p\+240p/);
  expect(text.stdout).toMatch(/operator +enc-1 +enc-2 +182 ms +0\.8 GOP +completed/);
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({ cell: 'local', counts: { onAir: 6 } });
});

test('handoff, channel, encoder: done and told', async () => {
  const moved = await run('handoff', 'ch-1', 'enc-3');
  expect(moved).toMatchObject({ code: 0, stderr: '' });
  expect(moved.stdout).toContain('ch-1 moved from enc-1 to enc-3 at GOP 301.\nRequest to commit 182 ms');
  expect(api.swarm.channels.get('ch-1')!.encoderId).toBe('enc-3');

  const clip = join(folder, 'clip.mp4');
  await writeFile(clip, 'not read here');
  const added = await runCli(['channel', 'add', 'news', '--input', 'clip.mp4', '--json', '--api', api.url], {
    cwd: folder,
  });
  expect(added.code).toBe(0);
  expect(JSON.parse(added.stdout)).toMatchObject({ id: 'news', input: { kind: 'url' } });
  expect(api.swarm.channels.get('news')!.spec.input).toEqual({
    kind: 'url',
    url: expect.stringMatching(/^\/.*clip\.mp4$/),
  });
  expect((await run('channel', 'list')).stdout).toMatch(/news +on-air/);
  expect((await run('channel', 'remove', 'news')).stdout).toBe('news is removed.\n');
  expect(api.swarm.channels.has('news')).toBe(false);

  expect((await run('encoder', 'drain', 'enc-2')).code).toBe(0);
  expect(api.swarm.cordons['enc-2']).toMatchObject({ draining: true });
  expect((await run('encoder', 'list')).stdout).toMatch(/enc-2 +b +draining/);
  expect(JSON.parse((await run('encoder', 'uncordon', 'enc-2', '--json')).stdout)).toEqual({
    ...{ encoderId: 'enc-2', done: 'uncordon' },
  });
  expect(api.swarm.cordons['enc-2']).toBeUndefined();
});

test('how the sound of an input is carried holds for what stands in for it too', async () => {
  const urls = ['--input', 'http://a.example/1.ts', '--backup', 'http://a.example/2.ts'];
  const wishes = ['--sound-codec', 'as-is', '--sound-layout', 'stereo'];
  expect((await run('channel', 'add', 'dvb', ...urls, ...wishes, '--languages', 'deu')).code).toBe(0);
  const sound = { soundCodec: 'as-is', soundLayout: 'stereo' };
  expect(api.swarm.channels.get('dvb')!.spec).toMatchObject({
    input: { kind: 'url', choice: { ...sound, languages: ['deu'] } },
    standby: { backups: [{ kind: 'url', choice: sound }] },
  });
});

test('a switch of inputs is planned and forgotten', async () => {
  const planned = [{ input: 'auto', requestedBy: 'nina', atMs: Date.UTC(2027, 0, 1) }];
  const standby = { onAir: 'primary', sinceMs: 1, inputs: [], switches: [], planned };
  api.swarm.sources['ch-1'] = { standby };
  const change = (...args: string[]) => run('channel', 'switch', 'ch-1', ...args);
  const asked = await change('backup-1', '--at', '2027-01-01T00:00:00Z');
  expect(asked.stdout).toBe(
    'ch-1 is on primary.\nThe rules choose again at 2027-01-01T00:00:00.000Z (nina).\n',
  );
  expect((await change('--cancel')).code).toBe(0);
  for (const args of [[], ['auto', '--cancel'], ['auto', '--at', 'tonight']])
    expect(await change(...args)).toMatchObject({ stdout: '', stderr: expect.stringMatching(/Hint|error/) });
});

test('a break begins and ends', async () => {
  const splice = (...args: string[]) => run('channel', 'splice', 'ch-1', ...args);
  const begun = await splice('--out', '--duration', '30s', '--event-id', '7');
  expect(begun.stdout).toBe('A break begins in ch-1: event 7, 30 s long.\n');
  expect((await splice('--return', '--in', '10s')).stdout).toBe('The break of event 7 in ch-1 ends.\n');
  expect(await splice('--out', '--return')).toMatchObject({ code: 1, stdout: '' });
});

test('a handoff that was undone is a failure, with its story named', async () => {
  const ports = api.swarm.ports();
  ports.orchestration.move = async (id) =>
    moveResult(
      id,
      'enc-1',
      'enc-2',
      3,
      { reason: 'operator' },
      {
        outcome: 'compensated',
        workflowId: 'handoff/ch-1/5',
        ownerEncoderId: 'enc-1',
        failure: { code: 'session-failed', message: 'The session on enc-2 failed.' },
      },
    );
  api.swarm.ports = () => ports;
  const other = await startFakeApi(api.swarm);
  const undone = await runCli(['handoff', 'ch-1', 'enc-2', '--api', other.url]);
  await other.stop();
  expect(undone).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'encoder-swarm: The session on enc-2 failed.\n' +
      '  Hint: ch-1 is on enc-1. See: encoder-swarm explain handoff/ch-1/5\n',
  });
});

test('explain tells a channel and a workflow', async () => {
  const result = moveResult('ch-1', 'enc-1', 'enc-2', 2, { reason: 'predicted-overload' });
  api.swarm.remember(result);
  const channel = await run('explain', 'ch-1');
  expect(channel.code).toBe(0);
  expect(channel.stdout).toMatch(/^ch-1 moved: enc-1 to enc-2, because/);
  for (const title of ['Why', 'Alternatives rejected', 'Steps', 'Outcome', 'Channel now']) {
    expect(channel.stdout).toContain(`\n${title}\n  `);
  }
  const workflow = await run('explain', result.workflowId, '--json');
  expect(JSON.parse(workflow.stdout)).toMatchObject({ kind: 'move', workflowId: result.workflowId });
});

describe('refusals: cause and hint on standard error, exit code 1, nothing changed', () => {
  const cases: [string[], string][] = [
    [['handoff', 'ch-9'], 'There is no channel ch-9.'],
    [['handoff', 'ch-1', 'enc-9'], 'There is no encoder enc-9.'],
    [['handoff', 'ch-1', 'enc-1'], 'ch-1 is on enc-1 already.'],
    [['handoff', 'ch-1', 'enc-3'], 'enc-3 is cordoned.'],
    [['handoff', 'ch-4', 'enc-1'], 'enc-1 has no room for ch-4.'],
    [['handoff', 'ch-1', 'enc-2'], "enc-2 can't encode ch-1."],
    [['handoff', 'ch-6', 'enc-2'], 'ch-6 is being moved.'],
    [['channel', 'add', 'ch-1'], 'There is a channel ch-1 already.'],
    [['channel', 'add', 'Bad_Name'], 'Bad channel: id: use 1 to 41 of a-z'],
    [['channel', 'add', 'words', '--input', 'notes.txt'], 'notes.txt holds no video.'],
    [['channel', 'remove', '../swarm'], 'Bad channel id'],
    [['encoder', 'cordon', 'enc-9'], 'There is no encoder enc-9.'],
    [['explain', 'handoff/ch-9/1'], 'There is no workflow handoff/ch-9/1.'],
  ];
  test.each(cases)('%j', async (args, cause) => {
    api.swarm.cordons['enc-3'] = { draining: false, by: 'operator', atMs: 1 };
    api.swarm.full.add('enc-1');
    api.swarm.incompatible.add('enc-2');
    api.swarm.moving.add('ch-6');
    api.swarm.notVideo.add('notes.txt');
    const before = api.swarm.snapshot();
    const [text, json] = await Promise.all([run(...args), run(...args, '--json')]);
    expect(text).toMatchObject({ code: 1, stdout: '' });
    expect(text.stderr).toContain(`encoder-swarm: ${cause}`);
    expect(text.stderr).toContain('\n  Hint: ');
    expect(json).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(json.stderr).error).toMatchObject({ message: expect.stringContaining(cause) });
    expect(api.swarm.snapshot()).toBe(before);
  });
});

test('a swarm that does not run is told from one whose Temporal does not', async () => {
  const nobody = await runCli(['status', '--api', 'http://127.0.0.1:1']);
  expect(nobody).toMatchObject({ code: 1, stdout: '' });
  expect(nobody.stderr).toBe(
    'encoder-swarm: The swarm does not answer at http://127.0.0.1:1.\n' +
      '  Hint: Start it with npm start, or name its API with --api URL.\n',
  );
  api.swarm.silent.add('temporal');
  const half = await run('handoff', 'ch-1');
  expect(half).toMatchObject({ code: 1, stdout: '' });
  expect(half.stderr).toContain("temporal can't be reached");
  expect(half.stderr).toContain('Hint: Start temporal.');
});

test('the state folder of a swarm says where its API is', async () => {
  const stateDir = join(folder, 'second');
  const record = await RunRecord.claim(stateDir);
  record.reachedAt({ api: api.url, relay: 'http://127.0.0.1:1' });
  const elsewhere = 'http://127.0.0.1:1';
  const asked = (args: string[], env: Record<string, string>): Promise<CliRun> =>
    runCli(['status', '--json', ...args], { env: { SWARM_API_URL: '', SWARM_STATE_DIR: '', ...env } });
  const [named, inEnvironment, optionFirst, variableFirst, urlFirst] = await Promise.all([
    asked(['--state-dir', stateDir], {}),
    asked([], { SWARM_STATE_DIR: stateDir }),
    asked(['--state-dir', stateDir], { SWARM_API_URL: elsewhere }),
    asked([], { SWARM_STATE_DIR: stateDir, SWARM_API_URL: elsewhere }),
    asked(['--state-dir', stateDir, '--api', elsewhere], {}),
  ]);
  for (const { code, stdout } of [named, inEnvironment, optionFirst]) {
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cell: 'local' });
  }
  for (const { code, stderr } of [variableFirst, urlFirst]) {
    expect(code).toBe(1);
    expect(stderr).toContain(elsewhere);
  }
  await record.release();
  // Nothing runs there any more, and no other swarm is asked in its place.
  const gone = await asked(['--state-dir', stateDir], { SWARM_API_URL: api.url });
  expect(gone).toMatchObject({ code: 1, stdout: '' });
  expect(gone.stderr).toContain(`No swarm runs on the state folder ${stateDir}.`);
});

test.each([
  [['nosuch']],
  [['handoff']],
  [['handoff', 'ch-1', 'enc-1', 'more']],
  [['handoff', 'ch-1', '--rungs', '0']],
  [['channel']],
  [['channel', 'add']],
  [['verify']],
  [['verify', 'ch-1', '--follow', 'soon']],
  [['status', '--wrong']],
])('wrong usage: %j exits 2 and says what is wrong', async (args) => {
  const [text, json] = await Promise.all([run(...args), run(...args, '--json')]);
  expect(text).toMatchObject({ code: 2, stdout: '' });
  expect(text.stderr.length).toBeGreaterThan(20);
  expect(json).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse(json.stderr).error.code).toBe('bad-request');
});

test('--help: every command with examples, exit code 0', async () => {
  const [top, ...each] = await Promise.all([
    run('--help'),
    ...['handoff', 'verify', 'explain'].map((name) => run(name, '--help')),
  ]);
  expect(top.code).toBe(0);
  for (const name of ['status', 'handoff', 'channel', 'encoder', 'verify', 'explain', 'Exit codes']) {
    expect(top.stdout).toContain(name);
  }
  for (const help of each) {
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('Examples:');
  }
});

test('a bad --api is refused', async () => {
  expect(await runCli(['status', '--api', 'ftp://x'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"ftp://x" is not the URL of an API.'),
  });
});
