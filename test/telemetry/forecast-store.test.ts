import { readEnvironment } from '../../src/config/config';
import {
  knownEventSchema,
  type CellForecast,
  type IssuedStep,
  type KnownEvent,
  type ScoredStep,
} from '../../src/domain';
import { NO_FEEDBACK, scoreStep } from '../../src/forecast';
import { createTelemetryStore, type Point, type TelemetryStore } from '../../src/telemetry';
import { InfluxUnderTest } from './support/influx-under-test';

let influx: InfluxUnderTest;
let store: TelemetryStore;
const STEP_MS = 5_000;
const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
let cell = '';
let cells = 0;

beforeAll(async () => {
  influx = await InfluxUnderTest.start();
  store = createTelemetryStore(readEnvironment({ INFLUX_URL: influx.url, INFLUX_DATABASE: 'inputs_test' }));
});
afterAll(async () => {
  await store.close();
  await influx.remove();
});
beforeEach(() => {
  cell = `cell-${++cells}`;
});

const window = () => ({ cell, stepSeconds: 5, steps: 3, endMs });

test('a database from before gets the retention policy of the feedback, and has it once', async () => {
  const query = (q: string): Promise<Response> =>
    fetch(`${influx.url}/query?q=${encodeURIComponent(q)}`, { method: 'POST' });
  await query('CREATE DATABASE "older" WITH DURATION 30d REPLICATION 1 NAME "main"');
  const environment = readEnvironment({ INFLUX_URL: influx.url, INFLUX_DATABASE: 'older' });
  for (let twice = 0; twice < 2; twice++) {
    const older = createTelemetryStore(environment);
    await older.feedback.writeIssued(cell, []);
    expect(await older.feedback.issued({ cell, fromMs: 0, toMs: endMs })).toEqual([]);
    await older.close();
  }
  expect(await (await query('SHOW RETENTION POLICIES ON "older"')).text()).toContain(
    '["feedback","168h0m0s"',
  );
});

describe('inputs', () => {
  test('audience of a channel is the sum of its regions, and of a region the sum of its channels', async () => {
    const rows = [
      ['ch-1', 'eu', 100, 1],
      ['ch-1', 'us', 40, 1],
      ['ch-2', 'eu', 7, 1],
      ['ch-2', '', 9, 2],
    ] as const;
    await store.inputs.importAudience(
      cell,
      rows.map(([channelId, region, viewers, step]) => ({
        ...{ channelId, region, viewers, atMs: endMs - (3 - step) * STEP_MS },
      })),
    );
    expect(await store.inputs.audience(window())).toEqual({
      byChannel: { 'ch-1': [null, 140, null], 'ch-2': [null, 7, 9] },
      byRegion: { eu: [null, 107, null], us: [null, 40, null] },
    });
    expect(await store.latestAudience({ cell, channelIds: ['ch-1'] })).toEqual({ 'ch-1': 140 });
  });

  test('a region that an audience has left does not count for ever', async () => {
    const now = Date.now();
    const at = (region: string, viewers: number, atMs: number) => ({
      channelId: 'ch-1',
      region,
      viewers,
      atMs,
    });
    await store.inputs.importAudience(cell, [at('eu', 100, now - 90_000), at('us', 40, now)]);
    expect(await store.latestAudience({ cell, channelIds: ['ch-1'] })).toEqual({ 'ch-1': 40 });
  });

  test('CDN load: generated where nothing else is known, measured alone where somebody measures', async () => {
    const cdn = (region: string, load: number, step: number, source?: string): Point => ({
      measurement: 'cdn',
      tags: { cell, region, ...(source !== undefined && { source }) },
      fields: { load_fraction: load },
      atMs: endMs - (3 - step) * STEP_MS,
    });
    await store.write([
      ...[0, 1, 2].map((step) => cdn('eu', 0.5, step, 'generated')),
      ...[0, 1, 2].map((step) => cdn('us', 0.5, step, 'generated')),
      cdn('us', 0.9, 1),
    ]);
    expect(await store.inputs.regionLoad(window())).toEqual({ eu: [0.5, 0.5, 0.5], us: [null, 0.9, null] });
    await store.forgetAudience(cell);
    expect(await store.inputs.regionLoad(window())).toEqual({ us: [null, 0.9, null] });
  });

  test('trend scores by step, encoding history by minute; Telegraf may write both as line protocol', async () => {
    const minuteMs = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
    const lines = [
      `trend,cell=${cell},channel=ch-1 score=3.5 ${endMs - STEP_MS}`,
      `encoding,cell=${cell},encoder=enc-1,channel=ch-1 units=1.64,renditions=2i,cpu_cores=0.1,bits_per_pixel=0.08,bitrate_kbps=300,gop=1i ${minuteMs}`,
      `encoding,cell=${cell},encoder=enc-1,channel=ch-1 units=1.64,renditions=2i,cpu_cores=0.2,bits_per_pixel=0.12,bitrate_kbps=300,gop=2i ${minuteMs + 2_000}`,
    ];
    const written = await fetch(`${influx.url}/write?db=inputs_test&precision=ms`, {
      method: 'POST',
      body: lines.join('\n'),
    });
    expect(written.status).toBe(204);
    expect(await store.inputs.trend(window())).toEqual({ 'ch-1': [null, null, 3.5] });
    const [minute, ...more] = await store.inputs.encodingMinutes({ cell, sinceMs: minuteMs });
    expect(more).toEqual([]);
    expect(minute).toMatchObject({ channelId: 'ch-1', encoderId: 'enc-1', units: 1.64 });
    expect(minute!.cpuCores).toBeCloseTo(0.15);
    expect(minute!.bitsPerPixel).toBeCloseTo(0.1);
  });
});

describe('known events', () => {
  const event = (id: string, startsAtMs: number, more: Partial<KnownEvent> = {}): KnownEvent =>
    knownEventSchema.parse({
      id,
      title: `Title of ${id}`,
      startsAtMs,
      endsAtMs: startsAtMs + 60_000,
      ...more,
    });

  test('past and to come, with all they hold; replaced by id, also at another time; removed', async () => {
    const hour = 3_600_000;
    const late = event('late', endMs + 300 * 24 * hour);
    const match = event('match', endMs + hour, {
      channelIds: ['ch-1', 'ch-2'],
      level: 2.5,
      title: `O'Hara "live", 1=1`,
    });
    const past = event('past', endMs - 20 * 24 * hour, { region: 'eu' });
    for (const one of [match, late, past, match]) await store.inputs.putEvent(cell, one);
    expect(await store.inputs.events({ cell })).toEqual([past, match, late]);
    expect(await store.inputs.events({ cell, fromMs: endMs, toMs: endMs + 2 * hour })).toEqual([match]);
    const moved = { ...match, startsAtMs: endMs + 5 * hour, endsAtMs: endMs + 6 * hour };
    await store.inputs.putEvent(cell, moved);
    expect(await store.inputs.events({ cell })).toEqual([past, moved, late]);
    expect(await store.inputs.removeEvent(cell, 'match')).toBe(true);
    expect(await store.inputs.removeEvent(cell, 'match')).toBe(false);
    expect(await store.inputs.events({ cell })).toEqual([past, late]);
    expect(await store.inputs.events({ cell: 'elsewhere' })).toEqual([]);
  });

  test('a cell keeps a thousand of them, those that are over make room, and one that breaks the contract is none', async () => {
    const body = Array.from(
      { length: 1_000 },
      (_, i) =>
        `event,cell=${cell},id=e-${i} title="E",channels="",ends_at_ms=${Date.now() + 3_600_000},level=1 ${endMs + i}`,
    );
    body.push(`event,cell=${cell},id=e-bad title="E",channels="No Id",ends_at_ms=${endMs},level=-1 ${endMs}`);
    await fetch(`${influx.url}/write?db=inputs_test&precision=ms`, { method: 'POST', body: body.join('\n') });
    expect(await store.inputs.events({ cell })).toHaveLength(1_000);
    await expect(store.inputs.putEvent(cell, event('more', endMs))).rejects.toMatchObject({
      code: 'at-capacity-limit',
    });
    await store.inputs.putEvent(cell, event('e-7', endMs + 1_000_000));
    expect(await store.inputs.events({ cell })).toHaveLength(1_000);
    // One that is over makes room for another, the oldest first.
    const dayAgo = Date.now() - 86_400_000;
    for (const [id, startsAtMs] of [
      ['e-3', dayAgo + 1],
      ['e-4', dayAgo],
    ] as const)
      await store.inputs.putEvent(cell, event(id, startsAtMs, { endsAtMs: startsAtMs + 1_000 }));
    await store.inputs.putEvent(cell, event('more', endMs));
    const ids = (await store.inputs.events({ cell })).map(({ id }) => id);
    expect(ids).toHaveLength(1_000);
    expect(ids).toEqual(expect.arrayContaining(['more', 'e-3']));
    expect(ids).not.toContain('e-4');
  });
});

describe('feedback', () => {
  const issued = (lead: number, targetMs: number, p50: number): IssuedStep => ({
    ...{ kind: 'viewers', id: 'ch-1', lead, targetMs, p10: p50 - 1, p50, p90: p50 + 1 },
  });
  const scored = (
    lead: number,
    targetMs: number,
    realised: number,
    more: Partial<ScoredStep> = {},
  ): ScoredStep => ({
    ...{ kind: 'viewers', id: 'ch-1', lead, targetMs },
    ...scoreStep({ p10: 9, p50: 10, p90: 11 }, realised, 14),
    ...NO_FEEDBACK,
    ...more,
  });

  test('what was issued for one moment at several leads is kept side by side, each once', async () => {
    const steps = [issued(1, endMs, 10), issued(2, endMs, 20), issued(1, endMs + STEP_MS, 30)];
    await store.feedback.writeIssued(cell, steps);
    await store.feedback.writeIssued(cell, steps);
    const read = (fromMs: number, toMs: number) => store.feedback.issued({ cell, fromMs, toMs });
    expect(await read(endMs, endMs + 2 * STEP_MS)).toEqual(steps);
    expect(await read(endMs, endMs + STEP_MS)).toEqual(steps.slice(0, 2));
  });

  test('scores give accuracy by lead, the latest lessons, and errors by target', async () => {
    const [older, newer] = [endMs - 2 * STEP_MS, endMs - STEP_MS];
    await store.feedback.writeScores(cell, [
      scored(1, older, 10),
      scored(1, newer, 12, { widthHigh: 1.5, shift: 0.4, alarmSteps: 3 }),
      scored(8, newer, 10),
    ]);
    const [one, eight, ...more] = await store.feedback.accuracy({ cell, sinceMs: endMs - 60_000 });
    expect(more).toEqual([]);
    expect(one).toMatchObject({
      ...{ kind: 'viewers', id: 'ch-1', lead: 1, count: 2, coverage: 0.5, over90: 0.5, bias: -1 },
      ...{ mase: 1 / 3, widthHigh: 1.5, shift: 0.4, drifting: true, lastTargetMs: newer },
    });
    expect(eight).toMatchObject({ lead: 8, count: 1, coverage: 1, drifting: false });
    const latest = await store.feedback.latest({ cell, sinceMs: endMs - 60_000 });
    expect(latest.find(({ lead }) => lead === 1)).toEqual({
      ...{ kind: 'viewers', id: 'ch-1', lead: 1, targetMs: newer },
      ...NO_FEEDBACK,
      ...{ widthHigh: 1.5, shift: 0.4, alarmSteps: 3 },
    });
    const errors = await store.feedback.errors({ cell, lead: 1, sinceMs: endMs - 60_000 });
    expect([...errors['ch-1']!.keys()]).toEqual([older, newer]);
    expect(await store.feedback.accuracy({ cell, sinceMs: endMs })).toEqual([]);
  });

  test('the latest forecast comes back with its regions and the correlation of its errors', async () => {
    const curve = { p10: [1, 2], p50: [3, 4], p90: [5, 6] };
    const forecast: CellForecast = {
      ...{ forecastId: 'f-1', model: 'm', issuedAtMs: Date.now(), stepSeconds: 5, horizonSteps: 2 },
      ...{ viewers: { eu: curve }, channelUnits: { eu: curve }, held: ['eu'] },
      ...{ regionLoad: { eu: curve, us: curve }, regionViewers: { us: curve }, errorCorrelation: 0.25 },
    };
    await store.writeForecast(cell, forecast);
    // A channel may have a region's name; that it was held says nothing of the region.
    expect(await store.latestForecast(cell, 60_000)).toEqual(forecast);
  });
});
