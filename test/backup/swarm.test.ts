import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackupSummary } from '../../src/backup';
import { OriginClient } from '../../src/contracts/origin';
import { apiAuthorization } from '../../src/platform/own-identity';
import { readFacts, type SeenFacts } from '../../tools/record-state-fixture/facts';
import { SwarmProcess } from '../../tools/record-state-fixture/swarm-process';
import { runCli } from '../cli/run-cli';
import { claimPortBase } from '../support/ports';
import { untilAnswer } from '../support/until';

/** A whole swarm loses its state folder, gets it back from a backup, and goes on: with the built `npm start`. */
const root = join(__dirname, '..', '..');
const ORIGIN_PORT_OFFSET = 2;
const ON_AIR_LIMIT_MS = 40_000;
/** GOPs that must have gone on air after the restore, so that a channel does not merely look as before. */
const NEW_GOPS = 3;
/** A busy machine needs a while to stop all of them. */
const MOST_STANDSTILL_MS = 10_000;
/** More than can go on air within the time of this test: GOPs of 2 s, numbered on, not by the clock. */
const MOST_GOPS = 60;

let portBase: number;
const apiUrl = (): string => `http://127.0.0.1:${portBase}`;
const facts = (): Promise<SeenFacts | null> => readFacts(apiUrl()).catch(() => null);

const ask = async (path: string, body: object): Promise<void> => {
  const answer = await fetch(`${apiUrl()}/api${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...apiAuthorization() },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
};

const goesOn = (before: SeenFacts, now: SeenFacts | null): boolean =>
  before.channels.every(({ id, nextGop }) =>
    now?.channels.some((channel) => channel.id === id && channel.nextGop >= nextGop + NEW_GOPS),
  );

let work: string;
let stateDir: string;
let file: string;
let swarm: SwarmProcess | undefined;

const start = async (): Promise<void> => {
  const args = ['--channels', '2', '--encoders', '2', '--port-base', String(portBase)];
  swarm = await SwarmProcess.start({ release: root, stateDir, args, env: process.env });
};

beforeAll(async () => {
  portBase = await claimPortBase();
  work = await mkdtemp(join(tmpdir(), 'encoder-swarm-backed-up-'));
  stateDir = join(work, 'state');
  file = join(work, 'safe.tar.gz');
});
afterAll(async () => {
  await swarm?.stop().catch(() => undefined);
  await rm(work, { recursive: true, force: true });
}, 30_000);

test('a swarm that lost its state folder goes on from a backup made while it ran, and numbers its GOPs on', async () => {
  await start();
  // Nobody would ask for these anew: they are in the state alone.
  await ask('/channels', { id: 'extra', viewersPerRung: [0, 5] });
  const day = 86_400_000;
  await ask('/events', {
    ...{ id: 'derby', title: 'Derby', channelIds: ['ch-1'] },
    ...{ startsAtMs: Date.now() + day, endsAtMs: Date.now() + 2 * day },
  });
  const before = await untilAnswer(
    'three channels on air',
    facts,
    (seen) => seen?.channels.length === 3 && seen.channels.every(({ nextGop }) => nextGop >= NEW_GOPS),
    ON_AIR_LIMIT_MS,
  );

  const taken = await runCli(['backup', file, '--state-dir', stateDir, '--json']);
  expect(taken).toMatchObject({ code: 0, stderr: '' });
  const summary = JSON.parse(taken.stdout) as BackupSummary;
  expect(summary).toMatchObject({ file, databases: { temporal: true, influxdb: true } });
  expect(summary.stoodStillMs).toBeLessThan(MOST_STANDSTILL_MS);
  // What was backed up goes on, and its viewers have missed nothing.
  const meanwhile = await untilAnswer('it goes on after the backup', facts, (seen) => goesOn(before!, seen));
  expect(meanwhile!.channels.map(({ id }) => id)).toEqual(before!.channels.map(({ id }) => id));
  expect(meanwhile!.channels.map((c) => c.gapsDeclared)).toEqual(before!.channels.map((c) => c.gapsDeclared));
  await swarm!.stop();

  await rm(stateDir, { recursive: true });
  const back = await runCli(['restore', file, '--state-dir', stateDir]);
  expect(back).toMatchObject({ code: 0, stderr: '' });
  expect(back.stdout).toContain('Restored');
  expect((await stat(join(stateDir, 'stamp.key'))).mode & 0o077).toBe(0);

  await start();
  const after = await untilAnswer(
    'every channel goes on',
    facts,
    (seen) => goesOn(before!, seen),
    ON_AIR_LIMIT_MS,
  );

  expect(after!.channels.map(({ id }) => id)).toEqual(before!.channels.map(({ id }) => id));
  expect(after).toMatchObject({ events: ['derby'], models: before!.models, builds: before!.builds });
  expect(after!.cycle).toBeGreaterThan(before!.cycle);
  const origin = new OriginClient(`http://127.0.0.1:${portBase + ORIGIN_PORT_OFFSET}`);
  for (const { id, nextGop, token, gapsDeclared } of before!.channels) {
    const now = after!.channels.find((channel) => channel.id === id)!;
    // The hosts go on with the sessions that they had; what they could not is recovered, with a token of its own.
    expect(now.token).toBeGreaterThanOrEqual(token);
    expect(now.gapsDeclared).toBe(gapsDeclared);
    expect(now.nextGop).toBeLessThan(nextGop + MOST_GOPS);
    // Also between what was backed up and what came afterwards nothing is missing.
    const entries = await origin.ledger(id, nextGop - 2, nextGop + NEW_GOPS);
    expect(entries.map(({ gop }) => gop - nextGop)).toEqual([-2, -1, 0, 1, 2]);
    expect(entries.every(({ gapReason }) => gapReason === undefined)).toBe(true);
  }
}, 90_000);
