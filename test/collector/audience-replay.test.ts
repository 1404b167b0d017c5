import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { AudienceReplay, type AudienceReplayOptions } from '../../src/collector/audience/replay';
import { loadTrace, type AudienceTrace } from '../../src/collector/audience/trace';
import { readEnvironment } from '../../src/config/config';
import { createTelemetryStore, type TelemetryStore } from '../../src/telemetry';
import { InfluxUnderTest } from '../telemetry/support/influx-under-test';

const log = pino({ level: 'silent' });
const HISTORY_STEPS = 504;
const channels = ['ch-1', 'ch-2', 'ch-3'].map((id) => ({
  id,
  region: 'eu',
  encoderId: id === 'ch-3' ? 'enc-2' : 'enc-1',
  onAir: true,
}));

let influx: InfluxUnderTest;
let store: TelemetryStore;
let trace: AudienceTrace;
let stateDir: string;
let cell = 0;
let options: AudienceReplayOptions;

beforeAll(async () => {
  influx = await InfluxUnderTest.start();
  store = createTelemetryStore(readEnvironment({ INFLUX_URL: influx.url }));
  trace = await loadTrace();
});
afterAll(async () => {
  await store.close();
  await influx.remove();
});
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'swarm-audience-'));
  options = { cell: `cell-${++cell}`, stateDir, stepSeconds: 5, trace, mode: 'keep', store, log };
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const historyOf = (endMs: number): Promise<Record<string, (number | null)[]>> =>
  store.audienceHistory({
    cell: options.cell,
    channelIds: channels.map((c) => c.id),
    stepSeconds: 5,
    steps: HISTORY_STEPS,
    endMs,
  });

test('a new scenario fills in three weeks of history at once', async () => {
  const now = Date.now();
  const began = performance.now();
  const points = await new AudienceReplay(options).pointsAt(channels, now);
  await store.write(points);
  // Measured: 0.6 s for the whole test with load 7 on two cores. The bound only catches a backfill point by point.
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(points).toHaveLength(3 * HISTORY_STEPS + 3);
  const history = await historyOf(now);
  for (const { id } of channels) expect(history[id]?.every((v) => v !== null && v >= 0)).toBe(true);
});

test('it waits until every channel is on air, but not for ever', async () => {
  const replay = new AudienceReplay(options);
  const now = Date.now();
  const starting = channels.map((c, i) => ({ ...c, onAir: i > 0 }));
  expect(await replay.pointsAt([], now - 90_000)).toEqual([]);
  expect(await replay.pointsAt(starting, now)).toEqual([]);
  expect(await replay.pointsAt(starting, now + 19_000)).toEqual([]);
  expect(replay.scenario).toBeNull();
  expect((await replay.pointsAt(starting, now + 21_000)).length).toBeGreaterThan(0);
  expect(replay.scenario?.roles).toEqual({ 'ch-1': 'surge', 'ch-2': 'companion', 'ch-3': 'counterphase' });
});

test('after a restart it goes on where it was and fills in only what is missing', async () => {
  const now = Date.now();
  const first = new AudienceReplay(options);
  await store.write(await first.pointsAt(channels, now));
  const second = new AudienceReplay(options);
  const later = now + 50_000;
  const points = await second.pointsAt(channels, later);
  expect(second.scenario).toEqual(first.scenario);
  expect(points.length).toBeLessThanOrEqual(3 * 12);
  await store.write(points);
  expect((await historyOf(later))['ch-1']?.every((v) => v !== null)).toBe(true);
  expect(await second.pointsAt(channels, later + 1_000)).toHaveLength(3);
});

test('with restart it begins anew and replaces the history', async () => {
  const now = Date.now();
  const first = new AudienceReplay(options);
  await store.write(await first.pointsAt(channels, now - 60_000));
  const before = await historyOf(now - 60_000);
  const second = new AudienceReplay({ ...options, mode: 'restart' });
  await store.write(await second.pointsAt(channels, now));
  expect(second.scenario?.anchorMs).toBe((first.scenario?.anchorMs ?? 0) + 60_000);
  const after = await historyOf(now);
  expect(after['ch-1']).toEqual(before['ch-1']);
  expect(JSON.parse(await readFile(join(stateDir, 'audience.json'), 'utf8'))).toEqual(second.scenario);
});

test('history that it did not make is not forgotten', async () => {
  const now = Date.now();
  const measured = { cell: options.cell, channel: 'ch-1', region: 'eu' };
  await store.write([
    { measurement: 'audience', tags: measured, fields: { viewers: 42 }, atMs: now - 60_000 },
  ]);
  await store.write(await new AudienceReplay(options).pointsAt(channels, now));
  expect((await historyOf(now))['ch-1']).toContain(42);
});

test('a channel that is added later gets a modest audience with history', async () => {
  const replay = new AudienceReplay(options);
  const now = Date.now();
  await store.write(await replay.pointsAt(channels, now));
  const added = { id: 'extra', region: 'eu', encoderId: null, onAir: false };
  const points = await replay.pointsAt([...channels, added], now + 1_000);
  expect(points.filter((p) => p.tags.channel === 'extra')).toHaveLength(HISTORY_STEPS + 1);
  expect(points.every((p) => p.tags.channel !== 'extra' || Number(p.fields.viewers) < 900)).toBe(true);
});
