import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/config';
import type { FleetEncoder } from '../../src/contracts/fleet';
import type { InstalledBuild } from '../../src/domain';
import { startFleetAgent } from '../../src/fleet/agent';
import { createFleetProvider } from '../../src/fleet/create-provider';
import { LocalFleet, type LocalFleetOptions } from '../../src/fleet/local-fleet';
import type { FleetProvider } from '../../src/fleet/provider';
import { sha256OfFile } from '../../src/platform/file-digest';
import type { RunningServer } from '../../src/platform/http';
import { createLogger } from '../../src/platform/logger';
import { awaitPort } from '../../src/platform/processes/readiness';
import { StandInPart, lives } from '../platform/stand-in-part';
import { claimPortBase } from '../support/ports';
import { until } from '../support/until';

/** Listens where an encoder host would, and tells its environment to whoever connects. */
const STAND_IN = `
const { ENCODER_ID, ENCODER_PORT, ENCODER_REGION, ENCODER_ZONE, ENCODER_CAPACITY_UNITS, ENCODER_CORES, FFMPEG, ENCODER_RELAY_URL, ENCODER_ORIGIN_URL, ENCODER_CLIP_HOSTS } = process.env;
if (FFMPEG && require('fs').readFileSync(FFMPEG, 'utf8').includes('broken')) throw new Error('this build is broken');
require('net').createServer((s) => s.on('error', () => {}).end(JSON.stringify({ ENCODER_ID, ENCODER_REGION, ENCODER_ZONE, ENCODER_CAPACITY_UNITS, ENCODER_CORES, FFMPEG, ENCODER_RELAY_URL, ENCODER_ORIGIN_URL, ENCODER_CLIP_HOSTS })))
  .listen(Number(ENCODER_PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));`;

let part: StandInPart;
let fleet: LocalFleet;
let agent: RunningServer;
let provider: FleetProvider;
let portBase: number;

const createFleet = (options: Partial<LocalFleetOptions> = {}): LocalFleet =>
  new LocalFleet({
    host: '127.0.0.1',
    portBase,
    region: 'eu',
    zones: ['a', 'b'],
    capacityUnits: 6,
    maxSessions: 8,
    maxEncoders: 3,
    command: process.execPath,
    args: [part.program],
    env: {
      ...process.env,
      FFMPEG: join(part.folder, 'default'),
      SWARM_BUILD_DIRS: part.folder,
      SWARM_RELAY_URL: 'http://10.0.0.1:7701',
      SWARM_ORIGIN_URL: 'http://10.0.0.1:7702',
    },
    logsDir: join(part.folder, 'logs'),
    buildsFile: join(part.folder, 'builds.json'),
    membersFile: join(part.folder, 'members.json'),
    awaitServing: (address, signal) => awaitPort(Number(address.split(':')[1]), '127.0.0.1', signal),
    onEvent: (event) => part.events.push(event),
    onSpawned: (_, pid) => part.spawned.push(pid),
    onEnded: () => {},
    ...options,
  });

/** An executable with this content in the test's folder, as a build. */
const makeBuild = async (buildId: string, content: string): Promise<InstalledBuild> => {
  const executablePath = join(part.folder, `ffmpeg-${buildId}`);
  await writeFile(executablePath, content, { mode: 0o755 });
  return { buildId, executablePath, digest: await sha256OfFile(executablePath) };
};

const ffmpegOf = async (encoder: FleetEncoder): Promise<string> =>
  ((await fetchText(encoder.grpcAddress)) as { FFMPEG: string }).FFMPEG;

beforeEach(async () => {
  part = await StandInPart.create(STAND_IN);
  await writeFile(join(part.folder, 'default'), '# default', { mode: 0o755 });
  portBase = await claimPortBase();
  fleet = createFleet();
  const log = createLogger('test');
  log.level = 'silent';
  agent = await startFleetAgent({ fleet, port: 0, host: '127.0.0.1', log });
  provider = createFleetProvider(readEnvironment({ SWARM_FLEET_URL: `http://127.0.0.1:${agent.port}` }));
});
afterEach(async () => {
  await agent.close();
  await fleet.stopAll();
  await part.remove();
});

test('encoders that come and go leave the logs of the last few, and those that are there keep theirs', async () => {
  await provider.provision('stays');
  // As an earlier run left them.
  for (const [id, age] of [['enc-90', 3] as const, ['enc-91', 2] as const]) {
    const file = join(part.folder, 'logs', `${id}.log`);
    await writeFile(file, 'said');
    await writeFile(`${file}.1`, 'said before');
    const at = new Date(Date.now() - age * 60_000);
    for (const each of [file, `${file}.1`]) await utimes(each, at, at);
  }
  await writeFile(join(part.folder, 'logs', 'relay.log'), 'another part');
  for (let i = 0; i < 4; i += 1) await provider.deprovision((await provider.provision(`r-${i}`)).id);
  const names = (await readdir(join(part.folder, 'logs'))).sort();
  const expected = ['enc-1.log', ...[2, 3, 4, 5].map((n) => `enc-${n}.log`), 'relay.log'];
  expect(names).toEqual(expected);
});

test('provisioned encoders run with their own identity, spread over the zones', async () => {
  const first = await provider.provision('r-1');
  const second = await provider.provision('r-2');
  const third = await provider.provision('r-3', 'b');
  expect([first, second, third].map(({ id, zone, state }) => [id, zone, state])).toEqual([
    ['enc-1', 'a', 'running'],
    ['enc-2', 'b', 'running'],
    ['enc-3', 'b', 'running'],
  ]);
  expect(new Set([first, second, third].map((e) => e.grpcAddress)).size).toBe(3);
  expect(await provider.list()).toEqual([first, second, third]);
  const said = await fetchText(second.grpcAddress);
  expect(said).toEqual({
    ENCODER_ID: 'enc-2',
    ENCODER_REGION: 'eu',
    ENCODER_ZONE: 'b',
    ENCODER_CAPACITY_UNITS: '6',
    FFMPEG: join(part.folder, 'default'),
    ENCODER_RELAY_URL: 'http://10.0.0.1:7701',
    ENCODER_ORIGIN_URL: 'http://10.0.0.1:7702',
    ENCODER_CLIP_HOSTS: `127.0.0.1,${hostname()}`,
  });
});

test('a host that measures itself is told its cores, and no units', async () => {
  const measuring = createFleet({ capacityUnits: { cores: 0.4 } });
  try {
    const said = await fetchText((await measuring.start('enc-1', 'a')).grpcAddress);
    expect(said).toMatchObject({ ENCODER_ID: 'enc-1', ENCODER_CORES: '0.4' });
    expect(said).not.toHaveProperty('ENCODER_CAPACITY_UNITS');
  } finally {
    await measuring.stopAll();
  }
});

test('the same request gives the same encoder, also while it starts', async () => {
  const [one, same] = await Promise.all([provider.provision('r-1'), provider.provision('r-1')]);
  expect(same.id).toBe(one.id);
  expect((await provider.provision('r-1')).pid).toBe(one.pid);
  expect(part.spawned).toHaveLength(1);
});

test('at the limit no more are started', async () => {
  for (const id of ['r-1', 'r-2', 'r-3']) await provider.provision(id);
  await expect(provider.provision('r-4')).rejects.toMatchObject({ code: 'at-capacity-limit' });
  expect(part.spawned).toHaveLength(3);
});

test('a deprovisioned encoder ends; an unknown one counts as ended; ids are not used again', async () => {
  const { id, pid } = await provider.provision('r-1');
  await provider.deprovision(id);
  await provider.deprovision(id);
  await provider.deprovision('enc-99');
  expect(lives(pid!)).toBe(false);
  expect(await provider.list()).toEqual([]);
  expect((await provider.provision('r-2')).id).toBe('enc-2');
});

test('what was added is told of after a restart of the fleet, with its request; what was let go is not', async () => {
  const [kept, gone] = [await provider.provision('r-1', 'b'), await provider.provision('r-2')];
  await provider.deprovision(gone.id);
  await fleet.stopAll();
  const next = createFleet();
  try {
    expect(next.added).toEqual([{ id: kept.id, zone: 'b', requestId: 'r-1' }]);
    for (const { id, zone } of next.added) await next.start(id, zone);
    // The request that brought it, repeated late, brings no other one.
    expect((await next.provision('r-1')).id).toBe(kept.id);
    expect(next.list().map(({ id, zone }) => [id, zone])).toEqual([[kept.id, 'b']]);
    await next.deprovision(kept.id);
    expect(createFleet().added).toEqual([]);
  } finally {
    await next.stopAll();
  }
});

test('an encoder that dies is started again under its own id and address after 3 s', async () => {
  const before = await provider.provision('r-1');
  const killedAtMs = Date.now();
  process.kill(before.pid!, 'SIGKILL');
  await until('restarting', () => fleet.list()[0]!.state === 'restarting');
  expect(fleet.list()[0]).toMatchObject({ id: 'enc-1', pid: null });
  await until('running', () => fleet.list()[0]!.state === 'running');
  const [after] = await provider.list();
  expect(after).toMatchObject({
    id: 'enc-1',
    grpcAddress: before.grpcAddress,
    zone: before.zone,
    restarts: 1,
  });
  expect(after!.startedAtMs - killedAtMs).toBeGreaterThanOrEqual(2_900);
});

describe('the build of an encoder', () => {
  test('is changed under the same id and port, once for each request', async () => {
    const before = await provider.provision('r-1');
    const build = await makeBuild('new', '# new');
    const [after, same] = await Promise.all([
      provider.setBuild(before.id, build, 'b-1'),
      provider.setBuild(before.id, build, 'b-1'),
    ]);
    expect(after).toMatchObject({
      id: before.id,
      grpcAddress: before.grpcAddress,
      state: 'running',
      buildId: 'new',
    });
    expect(after.pid).not.toBe(before.pid);
    expect(lives(before.pid!)).toBe(false);
    expect(await ffmpegOf(after)).toBe(build.executablePath);
    expect(same.pid).toBe(after.pid);
    expect((await provider.setBuild(before.id, build, 'b-2')).pid).toBe(after.pid);

    const other = await makeBuild('other', '# other');
    const third = await provider.setBuild(before.id, other, 'b-3');
    // A late repetition of a request that is long done must not bring the old build back.
    expect(await provider.setBuild(before.id, build, 'b-1')).toMatchObject({
      pid: third.pid,
      buildId: 'other',
    });
    expect(part.spawned).toHaveLength(3);
    expect(part.events).toEqual([]);
  });

  test('that it runs by default already is noted without a restart', async () => {
    const before = await provider.provision('r-1');
    const build = await makeBuild('like-default', '# default');
    expect(await provider.setBuild(before.id, build, 'b-1')).toMatchObject({
      pid: before.pid,
      buildId: 'like-default',
    });
  });

  test('is listed as restarting while it changes', async () => {
    const { id } = await provider.provision('r-1');
    const states = new Set<string>();
    const watch = setInterval(() => states.add(fleet.list()[0]!.state), 5);
    await provider.setBuild(id, await makeBuild('new', '# new'), 'b-1');
    clearInterval(watch);
    expect(states).toContain('restarting');
    expect(states).not.toContain('stopped');
  });

  test('that is not there, or is another than was meant, is refused and changes nothing', async () => {
    const before = await provider.provision('r-1');
    const build = await makeBuild('new', '# new');
    const refuse = (change: Partial<InstalledBuild>, encoderId = before.id) =>
      expect(provider.setBuild(encoderId, { ...build, ...change }, 'b-1')).rejects;
    await refuse({ executablePath: join(part.folder, 'ffmpeg-nowhere') }).toMatchObject({
      code: 'not-found',
    });
    await refuse({ digest: '0'.repeat(64) }).toMatchObject({ code: 'conflict' });
    await refuse({ digest: 'x' }).toMatchObject({ code: 'bad-request' });
    await refuse({}, 'enc-9').toMatchObject({ code: 'unknown-encoder' });
    expect(await provider.list()).toEqual([before]);
    await expect(provider.provision('r-2', 'a', { ...build, digest: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(part.spawned).toEqual([before.pid]);
  });

  test('that the host does not start with is taken back', async () => {
    const { id } = await provider.provision('r-1', 'a', await makeBuild('good', '# good'));
    const broken = await makeBuild('bad', '# broken');
    await expect(provider.setBuild(id, broken, 'b-1')).rejects.toMatchObject({
      code: 'encoder-incompatible',
      message: expect.stringContaining('this build is broken') as string,
    });
    const [after] = await provider.list();
    expect(after).toMatchObject({ state: 'running', buildId: 'good' });
    expect(await ffmpegOf(after!)).toBe(join(part.folder, 'ffmpeg-good'));
  });

  test('is remembered over a restart of the agent, and forgotten with the encoder', async () => {
    const build = await makeBuild('new', '# new');
    const { id } = await provider.provision('r-1', 'a', build);
    const other = await provider.provision('r-2', 'b', build);
    await provider.deprovision(other.id);
    await fleet.stopAll();

    const again = createFleet();
    try {
      const [kept, fresh] = await Promise.all([again.start(id, 'a'), again.start(other.id, 'b')]);
      expect(kept.buildId).toBe('new');
      expect(await ffmpegOf(kept)).toBe(build.executablePath);
      expect(fresh.buildId).toBeUndefined();
      // The new life knows the requests of the one before.
      expect((await again.setBuild(id, await makeBuild('other', '# other'), 'r-1')).buildId).toBe('new');
    } finally {
      await again.stopAll();
    }
  });

  test('that has vanished while the agent was away gives way to the default', async () => {
    const build = await makeBuild('new', '# new');
    const { id } = await provider.provision('r-1', 'a', build);
    await fleet.stopAll();
    await rm(build.executablePath);
    const again = createFleet();
    try {
      const started = await again.start(id, 'a');
      expect(started.buildId).toBeUndefined();
      expect(await ffmpegOf(started)).toBe(join(part.folder, 'default'));
    } finally {
      await again.stopAll();
    }
  });
});

test.each([
  [{ requestId: '' }, 'requestId'],
  [{}, 'requestId'],
  [{ requestId: 'r', zone: 'nowhere' }, 'no zone nowhere'],
  [{ requestId: 'r', extra: 1 }, 'extra'],
])('a bad request %j changes nothing', async (body, message) => {
  const answer = await fetch(`http://127.0.0.1:${agent.port}/encoders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(message);
  expect(part.spawned).toEqual([]);
});

test('the agent answers health checks', async () => {
  const answer = await fetch(`http://127.0.0.1:${agent.port}/healthz`);
  expect(await answer.json()).toMatchObject({ status: 'ok', encoders: 0 });
});

const fetchText = async (address: string): Promise<unknown> => {
  const { connect } = await import('node:net');
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return JSON.parse(text);
};
