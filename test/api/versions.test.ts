import type { RunningApi } from '../../src/api/server';
import type { EncoderBuild } from '../../src/domain';
import { runCli, type CliRun } from '../cli/run-cli';
import { fakeDigest } from './fake-digest';
import type { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi } from './running-api';

let api: RunningApi & { swarm: FakeSwarm };
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.stop());

const call = (path: string, options: Parameters<typeof ask>[1] = {}) =>
  ask(`${api.url}/api/versions${path}`, options);
const source = { kind: 'path', path: '/usr/bin/ffmpeg' };
const run = (...args: string[]): Promise<CliRun> => runCli(args, { env: { SWARM_API_URL: api.url } });

test('a build is added, probed, made the target, pinned, and all that undone', async () => {
  expect(await call('', { json: { id: 'b-1', source } })).toMatchObject({ status: 201, body: { id: 'b-1' } });
  expect(await call('/b-1/probe', { json: {} })).toMatchObject({
    status: 200,
    body: { compatibilityClass: 'c-1' },
  });
  const put = (path: string, json: unknown) => call(path, { method: 'PUT', json });
  expect((await put('/target', { buildId: 'b-1' })).status).toBe(200);
  expect((await put('/pins/ch-1', { buildId: 'b-1' })).status).toBe(200);
  expect((await call('')).body).toMatchObject({
    builds: [{ id: 'b-1' }],
    targetBuildId: 'b-1',
    pins: { 'ch-1': 'b-1' },
  });
  expect((await put('/target', { buildId: null })).body).toEqual({ targetBuildId: null });
  expect((await call('/pins/ch-1', { method: 'DELETE' })).status).toBe(204);
  expect((await call('/b-1', { method: 'DELETE' })).status).toBe(204);
  expect((await call('')).body).toMatchObject({ builds: [], targetBuildId: null, pins: {} });
});

test('encoders are listed with what they run; one that does not answer holds up no other', async () => {
  await call('', { json: { id: 'b-1', source } });
  api.swarm.silent.add('enc-2');
  expect((await call('')).body.encoders).toEqual([
    { encoderId: 'enc-1', buildDigest: fakeDigest('b-1'), buildId: 'b-1', inLine: null },
    { encoderId: 'enc-2', buildDigest: null, buildId: null, inLine: null },
    { encoderId: 'enc-3', buildDigest: fakeDigest('b-2'), buildId: null, inLine: null },
  ]);
});

test.each([
  ['POST', '', { id: 'b-1' }, 400, 'source'],
  ['POST', '', { id: 'b-1', source: { kind: 'git', url: 'x' } }, 400, 'source'],
  ['POST', '', { id: 'b-1', source, digest: 'short' }, 400, 'digest'],
  ['POST', '', { id: 'B 1', source }, 400, 'id'],
  ['PUT', '/target', {}, 400, 'buildId'],
  ['PUT', '/target', { buildId: 'nothing' }, 404, 'no build nothing'],
  ['PUT', '/pins/ch-1', { buildId: 'nothing' }, 404, 'no build nothing'],
  ['POST', '/nothing/probe', {}, 404, 'no build nothing'],
  ['DELETE', '/pins/ch-9', undefined, 404, 'ch-9 is not pinned'],
])('%s %s %j is refused, and changes nothing', async (method, path, json, status, message) => {
  const answer = await call(path, { method, ...(json && { json }) });
  expect(answer.status).toBe(status);
  expect(answer.body.error.message).toContain(message);
  expect(api.swarm.versions.state).toMatchObject({ builds: [], targetBuildId: null, pins: {} });
});

test('the command line does the same, for people and programs', async () => {
  const added = await run('version', 'add', 'b-1', '--path', '/usr/bin/ffmpeg');
  expect(added).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('b-1 is added: ffmpeg 5.1') as string,
  });
  const pypi = await run('version', 'add', 'b-2', '--package', 'imageio-ffmpeg==0.6.0', '--json');
  expect((JSON.parse(pypi.stdout) as EncoderBuild).source).toEqual({
    ...{ kind: 'package', ecosystem: 'pypi', name: 'imageio-ffmpeg', version: '0.6.0' },
  });
  expect(await run('version', 'probe')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/b-1 is of class c-1.*\nb-2 is of class c-1/) as string,
  });
  expect((await run('version', 'target', 'b-1')).stdout).toBe('b-1 is the target now.\n');
  expect((await run('version', 'pin', 'ch-1', 'b-2')).stdout).toBe('ch-1 is pinned to b-2.\n');
  const list = await run('version', 'list');
  expect(list.stdout).toContain('Target: b-1');
  expect(list.stdout).toMatch(/b-2 +5\.1 +c-1 +77c1005401bd +pypi imageio-ffmpeg 0\.6\.0/);
  expect(list.stdout).toMatch(/ch-1 +b-2/);
  expect(list.stdout).toMatch(/enc-1 +b-1 +3e499e752620 +yes[^]*enc-3 +b-2 +77c1005401bd +no/);
  expect(JSON.parse((await run('version', 'list', '--json')).stdout)).toMatchObject({ targetBuildId: 'b-1' });
  expect((await run('version', 'target', 'none')).code).toBe(0);
  expect((await run('version', 'unpin', 'ch-1')).code).toBe(0);
  expect((await run('version', 'remove', 'b-2')).stdout).toBe('b-2 is removed.\n');
  expect(api.swarm.versions.state).toMatchObject({ builds: [{ id: 'b-1' }], targetBuildId: null, pins: {} });
}, 180_000);

test.each([
  [['add', 'b-1'], 1, 'Name one source'],
  [['add', 'b-1', '--path', '/x', '--image', 'y'], 1, 'Name one source'],
  [['add', 'b-1', '--package', 'imageio-ffmpeg'], 1, 'names no version'],
  [['add', 'b-1', '--package', 'a==1', '--ecosystem', 'cargo'], 2, 'cargo'],
  [['remove', 'nothing'], 1, 'no build nothing'],
])('version %j fails with %i and says why', async (args, code, message) => {
  const refused = await run('version', ...args);
  expect(refused.code).toBe(code);
  expect(refused.stderr).toContain(message);
});
