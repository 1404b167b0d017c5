import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { path as packagedFfmpeg } from '@ffmpeg-installer/ffmpeg';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import { factsSchema, readFacts, type Facts, type SeenFacts } from '../../tools/record-state-fixture/facts';
import { SwarmProcess } from '../../tools/record-state-fixture/swarm-process';
import { claimPortBase } from '../support/ports';

/**
 * A swarm that an earlier release started and stopped is resumed by this one: its state folder, with the databases of
 * Temporal and InfluxDB in it, is a fixture (see README.md there), and the built `npm start` is started on a copy.
 */
const fixtures = join(__dirname, 'fixtures');
const releases = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const root = join(__dirname, '..', '..');
/** Ports within those of a swarm. */
const RELAY_PORT_OFFSET = 1;
const ORIGIN_PORT_OFFSET = 2;
const ON_AIR_LIMIT_MS = 40_000;
const POLL_MS = 500;
/** GOPs that must have gone on air after the resumption, so that a channel does not merely look as before. */
const NEW_GOPS = 3;
/** More than can go on air within the time of this test: GOPs of 2 s, numbered on, not by the clock. */
const MOST_GOPS = 60;

/** Brings the paths of the machine that recorded the state to those of this one: of executables alone there are any. */
const relocate = async (stateDir: string): Promise<void> => {
  const file = join(stateDir, 'fleet-builds.json');
  const records = JSON.parse(await readFile(file, 'utf8')) as Record<
    string,
    { build: { executablePath: string } }
  >;
  const executablePath = await realpath(packagedFfmpeg);
  for (const { build } of Object.values(records)) build.executablePath = executablePath;
  await writeFile(file, JSON.stringify(records));
};

/** The encoder hosts of the fixtures run an executable of this architecture, and tell so by its digest. */
const isSameArchitecture = process.platform === 'linux' && process.arch === 'x64';

(isSameArchitecture ? describe : describe.skip).each(releases)('the swarm that %s stopped', (release) => {
  const folder = join(fixtures, release);
  let portBase: number;
  let stateDir: string;
  let swarm: SwarmProcess | undefined;
  let before: Facts;
  let after: SeenFacts;

  const facts = (): Promise<SeenFacts | null> => readFacts(`http://127.0.0.1:${portBase}`).catch(() => null);
  const isOnAir = (now: SeenFacts): boolean =>
    before.channels.every(({ id, nextGop }) => {
      const channel = now.channels.find((c) => c.id === id);
      return channel !== undefined && channel.nextGop >= nextGop + NEW_GOPS;
    });

  beforeAll(async () => {
    before = factsSchema.parse(JSON.parse(await readFile(join(folder, 'facts.json'), 'utf8')));
    portBase = await claimPortBase();
    stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-resumed-'));
    await promisify(execFile)('tar', ['-xzf', join(folder, 'state.tar.gz'), '-C', stateDir]);
    await relocate(stateDir);
    swarm = await SwarmProcess.start({
      release: root,
      stateDir,
      args: [...before.startedWith, '--port-base', String(portBase)],
      env: process.env,
    });
    const deadlineMs = Date.now() + ON_AIR_LIMIT_MS;
    let seen: SeenFacts | null;
    do {
      await sleep(POLL_MS);
      seen = await facts();
      if (Date.now() > deadlineMs)
        throw new Error(`Not on air as before: ${JSON.stringify(seen)}\n${swarm.output}`);
    } while (!seen || !isOnAir(seen));
    after = seen;
  }, 120_000);

  afterAll(async () => {
    await swarm?.stop();
    await rm(stateDir, { recursive: true, force: true });
  }, 30_000);

  test('goes on with the GOPs of every channel where they were, under new tokens', () => {
    for (const { id, nextGop, token, gapsDeclared } of before.channels) {
      const now = after.channels.find((channel) => channel.id === id);
      expect(now!.token).toBeGreaterThan(token);
      // The encoders went on from the relay's ring: nothing between the old GOPs and the new ones is missing.
      expect(now!.gapsDeclared).toBe(gapsDeclared);
      expect(now!.nextGop).toBeLessThan(nextGop + MOST_GOPS);
    }
    expect(after.channels).toHaveLength(before.channels.length);
  });

  test('has one unbroken ledger over both releases, and the ring of the one before', async () => {
    const origin = new OriginClient(`http://127.0.0.1:${portBase + ORIGIN_PORT_OFFSET}`);
    const relay = new RelayClient(`http://127.0.0.1:${portBase + RELAY_PORT_OFFSET}`);
    for (const { id, nextGop, token } of before.channels) {
      // GOPs went on air between the look at the facts and the end of the swarm: the seam is a little later.
      const entries = await origin.ledger(id, nextGop - 3, nextGop + NEW_GOPS);
      expect(entries.map(({ gop }) => gop - nextGop)).toEqual([-3, -2, -1, 0, 1, 2]);
      expect(entries.every(({ gapReason }) => gapReason === undefined)).toBe(true);
      expect(entries[0]!.token).toBeLessThanOrEqual(token);
      const kept = await relay.ledgers(id, nextGop - 3, nextGop);
      expect(kept.map(({ gop }) => gop - nextGop)).toEqual([-3, -2, -1]);
      expect((await relay.channel(id)).oldestGop).toBeLessThan(nextGop);
    }
  });

  test('keeps its cordons, pins, builds, target and known events', () => {
    const { cordoned, pins, builds, targetBuildId, events } = before;
    expect(after).toMatchObject({ pins, builds, targetBuildId, events });
    // An encoder that is being brought to the target build is cordoned as well.
    expect(after.cordoned).toEqual(expect.arrayContaining(cordoned));
    expect(after.channels.filter(({ ownerEncoderId }) => cordoned.includes(ownerEncoderId))).toEqual([]);
  });

  test('has the encoders that were added to it, each with the build that it ran', () => {
    expect(after.encoders).toEqual(expect.arrayContaining(before.encoders));
    expect(after.running).toMatchObject(before.running);
  });

  test('knows the models that it trained, and goes on with its control cycles', () => {
    // The shipped one is that of this release.
    const trained = before.models.filter((id) => !id.startsWith('shipped-'));
    expect(trained).not.toEqual([]);
    expect(after.models).toEqual(expect.arrayContaining(trained));
    expect(after.cycle).toBeGreaterThan(before.cycle);
  });
});
