import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EncoderClient } from '../../src/contracts/encoder/client';
import { forgetOwnIdentity, setOwnIdentity } from '../../src/platform/own-identity';
import { portsFor } from '../../src/setup';
import { lives } from '../platform/stand-in-part';
import { claimPortBase } from '../support/ports';
import { SupervisorProcess, partPids } from '../support/supervisor-process';
import { until } from '../support/until';

let portBase: number;
const supervisors: SupervisorProcess[] = [];
const start = (stateDir: string): SupervisorProcess => {
  const args = [
    '--channels',
    '1',
    '--encoders',
    '1',
    '--port-base',
    String(portBase),
    '--state-dir',
    stateDir,
  ];
  const supervisor = SupervisorProcess.start(args);
  supervisors.push(supervisor);
  return supervisor;
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-supervision-'));
  portBase = await claimPortBase();
});
afterAll(async () => {
  // Where a test failed: SIGINT ends the parts too.
  for (const { process } of supervisors) process.kill('SIGINT');
  await Promise.all(supervisors.map((s) => s.ended));
  await rm(folder, { recursive: true, force: true });
});

/** Nobody who has not read the secrets of the state folder gets more than players get, and nobody else sees them. */
const knowsItsOwn = async (stateDir: string): Promise<void> => {
  const ports = portsFor(portBase, {});
  const status = async (port: number, path: string, headers = {}): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status;
  const controls: [number, string][] = [
    ...[ports.relay, ports.origin, ports.source].map((port): [number, string] => [port, '/channels']),
    ...[[ports.fleet, '/encoders'] as [number, string], [ports.api, '/api/status'] as [number, string]],
  ];
  for (const [port, path] of controls) expect([path, await status(port, path)]).toEqual([path, 401]);
  expect(await status(ports.origin, '/hls/ch-1/index.m3u8')).toBe(200);
  const encoder = new EncoderClient(`127.0.0.1:${ports.encoderBase}`);
  await expect(encoder.describe()).rejects.toMatchObject({ code: 'unauthenticated' });

  const secret = (name: string): string => readFileSync(join(stateDir, 'secrets', name), 'utf8').trim();
  for (const name of ['part-token', 'admin-token', 'session-key'])
    expect([name, statSync(join(stateDir, 'secrets', name)).mode & 0o777]).toEqual([name, 0o600]);
  expect(statSync(join(stateDir, 'secrets')).mode & 0o777).toBe(0o700);
  const authorization = `Bearer ${secret('admin-token')}`;
  expect(await status(ports.api, '/api/status', { authorization })).toBe(200);
  setOwnIdentity({ partToken: secret('part-token') });
  expect(await encoder.describe()).toMatchObject({ id: 'enc-1' });
  forgetOwnIdentity();
  encoder.close();

  const pids = Object.values(await partPids(stateDir));
  const seen = [
    ...readdirSync(join(stateDir, 'logs')).map((file) => join(stateDir, 'logs', file)),
    ...pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]),
  ].map((file) => readFileSync(file, 'latin1'));
  expect(seen.length).toBeGreaterThan(2 * pids.length);
  for (const name of ['part-token', 'admin-token', 'session-key'])
    expect([name, seen.some((text) => text.includes(secret(name)))]).toEqual([name, false]);
};

test('a swarm survives its parts, does not outlive its supervisor for long, and ends with Ctrl-C', async () => {
  const stateDir = join(folder, 'state');
  const first = start(stateDir);
  await first.says('on air ');
  await first.says('page ');
  await knowsItsOwn(stateDir);

  // Neither its state nor its ports are for a second one.
  const rival = start(stateDir);
  expect(await rival.ended).toBe(1);
  expect(rival.output).toContain(`already: process ${first.process.pid}`);
  const neighbour = start(join(folder, 'other'));
  expect(await neighbour.ended).toBe(1);
  expect(neighbour.output).toContain(`port ${portBase} (api) is taken by process`);

  // A part that dies is started again, and people hear of it.
  process.kill((await partPids(stateDir)).origin!, 'SIGKILL');
  await first.says('origin ended with SIGKILL; starts again');
  await first.says('origin works again');

  // The supervisor itself is killed: the next start ends what it left, and the channel goes on.
  const left = await partPids(stateDir);
  first.process.kill('SIGKILL');
  await first.ended;
  expect(lives(left.relay!)).toBe(true);
  const next = start(stateDir);
  await next.says('ended what an earlier run left');
  await until('the leftovers ended', () => !Object.values(left).some(lives));
  await next.says('page ');

  // Ctrl-C: everything that was started is gone, within the time that a supervisor of servers would give.
  const parts = await partPids(stateDir);
  expect(Object.keys(parts)).toEqual(
    expect.arrayContaining(['temporal', 'influxdb', 'relay', 'enc-1', 'api']),
  );
  const askedAtMs = Date.now();
  next.process.kill('SIGINT');
  expect(await next.ended).toBe(0);
  expect(Date.now() - askedAtMs).toBeLessThan(20_000);
  expect(Object.values(parts).filter(lives)).toEqual([]);
  expect(existsSync(join(stateDir, 'run.json'))).toBe(false);
}, 180_000);

test.each([
  [['--duration', '59s'], 'is no duration of 60 s or more'],
  [['--duration', '60s', '--report', '/nowhere/report.json'], "can't be written"],
  [['--input', 'film'], '--input "film" is malformed'],
  [['--encoders', '0'], 'whole number from 1'],
  [['--encoder-units', '0'], 'whole number from 1'],
  [['--port-base', '80'], 'whole number from 1024'],
  [['--unknown'], 'unknown option'],
])('%j is refused before anything is started', async (args, message) => {
  const supervisor = SupervisorProcess.start(args);
  expect(await supervisor.ended).toBe(1);
  expect(supervisor.output).toContain(message);
});
