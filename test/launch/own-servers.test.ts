import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/config';
import { ensureInfluxLogin, writeInfluxConfig } from '../../src/launch/influx-server';
import { TEMPORAL_HEALTH_SERVICE, temporalServerArgs } from '../../src/launch/temporal-server';
import { awaitGrpcServing, awaitHttpOk } from '../../src/platform/processes/readiness';
import { createTelemetryStore } from '../../src/telemetry';
import { influxLoginOf } from '../../src/telemetry/influx-login';
import { freePort } from '../support/ports';

/** What a page of another site can do to the servers of others that a swarm brings along. */

const fromElsewhere = { origin: 'https://evil.example', 'content-type': 'text/plain' };
const asked = { cell: 'local', fields: ['viewers'], sinceMs: 0 };
let stateDir: string;
const running: ChildProcess[] = [];

const start = (command: string, args: string[]): ChildProcess => {
  const child = spawn(command, args, { stdio: 'ignore', cwd: stateDir });
  running.push(child);
  return child;
};
const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
};

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'own-servers-'));
});
afterAll(async () => {
  await Promise.all(running.map(end));
  await rm(stateDir, { recursive: true });
});

test('InfluxDB answers nobody but the parts of the swarm, also after a restart', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment = readEnvironment({ INFLUX_URL: url, SWARM_STATE_DIR: stateDir });
  const options = { stateDir, host: '127.0.0.1', port, backupPort: await freePort(), login: true };
  const config = await writeInfluxConfig(options);
  const run = async (): Promise<ChildProcess> => {
    const child = start('influxd', ['-config', config]);
    await awaitHttpOk(`${url}/ping`, AbortSignal.timeout(20_000));
    await ensureInfluxLogin(url, stateDir);
    return child;
  };
  const refused = async (): Promise<void> => {
    const drop = `${url}/query?q=${encodeURIComponent('DROP DATABASE encoder_swarm')}`;
    const write = `${url}/write?db=encoder_swarm`;
    const body = 'audience,cell=local,channel=ch-1 viewers=999999999';
    for (const [to, sent] of [
      [drop, ''],
      [write, body],
    ] as const) {
      expect((await fetch(to, { method: 'POST', headers: fromElsewhere, body: sent })).status).toBe(401);
    }
    expect((await fetch(`${url}/query?q=SHOW+DATABASES`, { headers: fromElsewhere })).status).toBe(401);
  };
  const audience = async (write: boolean): Promise<unknown> => {
    const store = createTelemetryStore(environment);
    try {
      const atMs = Date.now();
      const tags = { cell: 'local', channel: 'ch-1', region: 'eu' };
      if (write) await store.write([{ measurement: 'audience', tags, fields: { viewers: 7 }, atMs }]);
      return await store.recent('audience', asked);
    } finally {
      await store.close();
    }
  };

  const first = await run();
  await refused();
  const stored = await audience(true);
  await refused();
  const file = join(stateDir, 'influx', 'password');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await end(first);

  const second = await run();
  await refused();
  expect(await audience(false)).toEqual(stored);

  // Another password than the one that it knows.
  const password = await readFile(file, 'utf8');
  await writeFile(file, 'f'.repeat(64));
  await expect(ensureInfluxLogin(url, stateDir)).rejects.toMatchObject({
    message: `The InfluxDB in ${stateDir} does not know the password in ${file}.`,
  });
  await expect(audience(false)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('refused the login') as string,
  });
  await writeFile(file, password);
  await end(second);
});

test('the password of the own InfluxDB goes to no other server, and is told nowhere', async () => {
  const elsewhere = readEnvironment({ INFLUX_URL: 'http://influx.example:8086', SWARM_STATE_DIR: stateDir });
  expect(influxLoginOf(elsewhere)).toBeUndefined();
  const named = readEnvironment({ INFLUX_URL: 'http://admin:s3cret@127.0.0.1:9', SWARM_STATE_DIR: stateDir });
  expect(influxLoginOf(named)).toEqual({ username: 'admin', password: 's3cret' });
  const store = createTelemetryStore(named);
  const failure = await store.recent('audience', asked).catch(String);
  expect(failure).toContain("can't be used");
  expect(failure).not.toContain('s3cret');
  await store.close();
});

test("Temporal's HTTP API and page take no command of another site", async () => {
  const [port, uiPort, httpPort] = [await freePort(), await freePort(), await freePort()];
  const options = { host: '127.0.0.1', port, uiPort, namespace: 'default' };
  // Without it, the HTTP API has a port that nobody knows, and that a page can find by trying.
  start('temporal', [...temporalServerArgs(options), '--http-port', String(httpPort)]);
  await awaitGrpcServing(`127.0.0.1:${port}`, TEMPORAL_HEALTH_SERVICE, AbortSignal.timeout(30_000));
  await awaitHttpOk(`http://127.0.0.1:${uiPort}/api/v1/namespaces/default`, AbortSignal.timeout(10_000));
  const body = JSON.stringify({ workflowType: { name: 'x' }, taskQueue: { name: 'q' } });
  const begin = (at: number) =>
    fetch(`http://127.0.0.1:${at}/api/v1/namespaces/default/workflows/w`, {
      ...{ method: 'POST', headers: fromElsewhere, body },
    });
  expect((await begin(httpPort)).status).toBe(403);
  const page = await begin(uiPort);
  expect([page.status, await page.text()]).toEqual([400, expect.stringContaining('csrf')]);
  const read = await fetch(`http://127.0.0.1:${uiPort}/api/v1/namespaces`, { headers: fromElsewhere });
  expect(read.headers.get('access-control-allow-origin')).toBeNull();
});
