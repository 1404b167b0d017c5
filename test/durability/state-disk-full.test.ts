import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryDisk } from '../../bench/chaos/memory-disk';
import { readEnvironment } from '../../src/config/config';
import { operations } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
import { callJson } from '../../src/contracts/call';
import { mediaHealthSchema } from '../../src/contracts/health';
import { OriginClient } from '../../src/contracts/origin';
import { useSecretsOf } from '../../src/launch/swarm-secrets';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { portsFor } from '../../src/setup';
import { verifierFfmpegPaths, verifyPlaylists } from '../../src/verify';
import { lives } from '../platform/stand-in-part';
import { claimPortBase } from '../support/ports';
import { SupervisorProcess, partPids } from '../support/supervisor-process';
import { until } from '../support/until';

const STOP_LIMIT_MS = 10_000;

let portBase: number;
let apiUrl: string;
let relayUrl: string;
let originUrl: string;
let influxUrl: string;
let stateDir: string;
let disk: MemoryDisk | undefined;
let supervisor: SupervisorProcess;

beforeAll(async () => {
  portBase = await claimPortBase();
  const ports = portsFor(portBase, {});
  const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
  apiUrl = urlOf(ports.api);
  relayUrl = urlOf(ports.relay);
  originUrl = urlOf(ports.origin);
  influxUrl = urlOf(ports.influx);
  stateDir = mkdtempSync(join(tmpdir(), 'state-disk-full-'));
  disk = await MemoryDisk.mount(stateDir).catch((error: Error) => {
    console.warn(`NOT TESTED, as a disk can't be mounted here: ${error.message}`);
    return undefined;
  });
});
afterAll(async () => {
  if (supervisor && supervisor.process.exitCode === null) {
    supervisor.process.kill('SIGINT');
    await supervisor.ended;
  }
  await disk?.unmount();
  rmSync(stateDir, { recursive: true, force: true });
});

const storageOf = async (url: string): Promise<string> =>
  (await callJson(`${url}/healthz`, mediaHealthSchema)).storage.state;
const nextGop = async (id: string): Promise<number> =>
  (await new OriginClient(originUrl).channel(id)).nextGop;
const published = (id: string, gop: number): Promise<void> =>
  until(`GOP ${gop} of ${id} is published`, async () => (await nextGop(id)) > gop, 60_000);
const playlistStatus = async (): Promise<number> =>
  (await fetch(`${originUrl}/hls/ch-1/180p/index.m3u8`)).status;
const influxPassword = (): string => readFileSync(join(stateDir, 'influx', 'password'), 'utf8').trim();
/** Whether InfluxDB takes a point. */
const writes = async (): Promise<boolean> =>
  fetch(`${influxUrl}/write?db=encoder_swarm`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`swarm:${influxPassword()}`).toString('base64')}` },
    body: 'from_a_test value=1',
  }).then(
    ({ status }) => status === 204,
    () => false,
  );
const troubles = async (): Promise<unknown[]> => {
  const { missing, problems } = await callApi(apiUrl, operations.getStatus, {});
  return [...missing, ...problems];
};

test('state, logs, databases and run record on one full disk: all live, viewers are served, and all goes on', async () => {
  if (!disk) return;
  supervisor = SupervisorProcess.start(
    ['--channels', '1', '--encoders', '1', '--port-base', String(portBase), '--state-dir', stateDir],
    // So that the ring outlasts a machine on which all of this takes its time.
    { SWARM_RING_SECONDS: '300' },
  );
  await supervisor.says('page ');
  await useSecretsOf(stateDir);
  await published('ch-1', 2);
  await until('InfluxDB takes points', writes);

  const makeRoom = await disk.fill();
  await supervisor.says('is full');
  await until('origin and relay notice', async () => {
    const states = await Promise.all([originUrl, relayUrl].map(storageOf));
    return states.every((state) => state === 'full');
  });
  // It fills the block that it has begun first.
  await until('InfluxDB is refused', async () => !(await writes()), 60_000);
  const before = await partPids(stateDir);
  const killed = ['origin', 'temporal', 'worker'];
  const printed = supervisor.output.length;
  for (const part of killed) process.kill(before[part]!, 'SIGKILL');
  for (const part of killed) await supervisor.says(`${part} ended with SIGKILL`, printed);
  await supervisor.says('origin works again', printed);

  // The supervisor lives, and so do all other parts; what was stored is served; what runs is on record.
  expect(supervisor.process.exitCode).toBeNull();
  for (const [part, pid] of Object.entries(before)) if (!killed.includes(part)) expect(lives(pid)).toBe(true);
  expect(await playlistStatus()).toBe(200);
  expect((await partPids(stateDir)).origin).not.toBe(before.origin);
  expect(lives((await partPids(stateDir)).origin!)).toBe(true);
  const stuckAt = await nextGop('ch-1');

  await makeRoom();
  await supervisor.says('there is room again');
  await published('ch-1', stuckAt + 8);
  await until('InfluxDB takes points again', writes, 60_000);
  await callApi(apiUrl, operations.addChannel, { body: { id: 'ch-2' } }, { timeoutMs: 30_000 });
  await published('ch-2', 2);
  await until(
    'nothing is missing and nothing is a problem',
    async () => (await troubles()).length === 0,
    60_000,
  );
  expect(await storageOf(originUrl)).toBe('ok');
  expect(await storageOf(relayUrl)).toBe('ok');
  const report = await verifyPlaylists({
    playlists: [`${originUrl}/hls/ch-1/index.m3u8`],
    key: await loadOrCreateStampKey(stateDir),
    ffmpegPaths: await verifierFfmpegPaths(readEnvironment()),
    windowSeconds: 3_600,
    fromGop: { 'ch-1': 0 },
    unstampedChannels: [],
  });
  expect(report.playlists.flatMap((playlist) => playlist.problems)).toEqual([]);
  expect(report).toMatchObject({ ok: true, framesLost: 0, framesRepeated: 0, gapsDeclared: 0 });

  // Full once more: the signal is obeyed, and nothing is left.
  await disk.fill();
  await until('the origin notices', async () => (await storageOf(originUrl)) === 'full');
  const parts = await partPids(stateDir);
  const askedAtMs = Date.now();
  supervisor.process.kill('SIGTERM');
  expect(await supervisor.ended).toBe(0);
  expect(Date.now() - askedAtMs).toBeLessThan(STOP_LIMIT_MS);
  expect(Object.values(parts).filter(lives)).toEqual([]);
  expect(statSync(join(stateDir, 'run.json'), { throwIfNoEntry: false })).toBeUndefined();
}, 300_000);
