import { setTimeout as sleep } from 'node:timers/promises';
import { readEnvironment } from '../../src/config/config';
import { defaultChannels, SwarmError } from '../../src/domain';
import { forecastCell } from '../../src/forecast';
import { createTelemetryStore, type Point, type TelemetryStore } from '../../src/telemetry';
import { InfluxTelemetryStore } from '../../src/telemetry/influx-store';
import { freePort } from '../support/ports';
import { InfluxUnderTest } from './support/influx-under-test';

let influx: InfluxUnderTest;
let store: TelemetryStore;
const STEP_MS = 5_000;

beforeAll(async () => {
  influx = await InfluxUnderTest.start();
  store = createTelemetryStore(
    readEnvironment({ INFLUX_URL: influx.url, INFLUX_DATABASE: 'telemetry_test' }),
  );
});
afterAll(async () => {
  await store.close();
  await influx.remove();
});

const audience = (cell: string, channel: string, viewers: number, atMs: number): Point => ({
  measurement: 'audience',
  tags: { cell, channel, region: 'eu' },
  fields: { viewers },
  atMs,
});

describe('audience', () => {
  test('history is the mean per complete step, oldest first, with holes', async () => {
    const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
    await store.write([
      audience('history', 'ch-1', 100, endMs - 3 * STEP_MS),
      audience('history', 'ch-1', 300, endMs - 2 * STEP_MS - 1),
      audience('history', 'ch-1', 50, endMs - STEP_MS),
      audience('history', 'ch-1', 9_999, endMs + 1),
      audience('history', 'ch-2', 7, endMs - 1),
      audience('elsewhere', 'ch-1', 9_999, endMs - 1),
    ]);
    const history = await store.audienceHistory({
      cell: 'history',
      channelIds: ['ch-1', 'ch-2', 'ch-3'],
      stepSeconds: 5,
      steps: 4,
      endMs: endMs + 2_000,
    });
    expect(history).toEqual({
      'ch-1': [null, 200, null, 50],
      'ch-2': [null, null, null, 7],
      'ch-3': [null, null, null, null],
    });
  });

  test('the latest is what was told last, for the channels asked for, and not of long ago', async () => {
    const now = Date.now();
    await store.write([
      audience('latest', 'ch-1', 1, now - 2_000),
      audience('latest', 'ch-1', 2, now - 1_000),
      audience('latest', 'ch-2', 3, now - 1_000),
      audience('latest', 'ch-3', 4, now - 400_000),
    ]);
    expect(await store.latestAudience({ cell: 'latest', channelIds: ['ch-1', 'ch-3'] })).toEqual({
      'ch-1': 2,
    });
  });

  test('can be forgotten, one cell at a time', async () => {
    const now = Date.now();
    await store.write([audience('gone', 'ch-1', 1, now), audience('stays', 'ch-1', 1, now)]);
    await store.forgetAudience('gone');
    expect(await store.latestAudience({ cell: 'gone', channelIds: ['ch-1'] })).toEqual({});
    expect(await store.latestAudience({ cell: 'stays', channelIds: ['ch-1'] })).toEqual({ 'ch-1': 1 });
  });
});

describe('forecasts', () => {
  const forecastAt = (atMs: number) =>
    forecastCell({
      cell: 'fc',
      atMs,
      stepSeconds: 5,
      horizonSteps: 6,
      seasonSteps: 24,
      channels: defaultChannels().slice(0, 2),
      viewersHistory: { 'ch-1': Array.from({ length: 504 }, (_, i) => 100 * (i % 24) + (i % 7)) },
    });

  test('come back as they were issued; the last one wins; an old one does not count', async () => {
    expect(await store.latestForecast('fc', 60_000)).toBeNull();
    const now = Date.now();
    const older = forecastAt(now - 10_000);
    const newer = forecastAt(now);
    await store.writeForecast('fc', older);
    expect(await store.latestForecast('fc', 60_000)).toEqual(older);
    await store.writeForecast('fc', newer);
    await store.writeForecast('fc', newer);
    expect(await store.latestForecast('fc', 60_000)).toEqual(newer);
    await sleep(20);
    expect(await store.latestForecast('fc', 10)).toBeNull();
  });

  test('and audiences that a clock, set back since, dated tomorrow do not pass for the newest', async () => {
    const now = Date.now();
    const forecast = forecastAt(now);
    await store.writeForecast('tomorrow', forecast);
    await store.writeForecast('tomorrow', forecastAt(now + 86_400_000));
    expect(await store.latestForecast('tomorrow', 60_000)).toEqual(forecast);
    await store.write([
      audience('tomorrow', 'ch-1', 5, now - 1_000),
      audience('tomorrow', 'ch-1', 9_999, now + 86_400_000),
    ]);
    expect(await store.latestAudience({ cell: 'tomorrow', channelIds: ['ch-1'] })).toEqual({ 'ch-1': 5 });
  });
});

describe('recent', () => {
  test('gives points or means per step, with tags, for one tag', async () => {
    const atMs = Math.floor(Date.now() / STEP_MS) * STEP_MS - STEP_MS;
    const encoder = (id: string, units: number, plusMs: number): Point => ({
      measurement: 'encoder',
      tags: { cell: 'recent', encoder: id, region: 'eu', zone: 'a' },
      fields: { units_used: units, sessions: 2, reachable: true },
      atMs: atMs + plusMs,
    });
    await store.write([encoder('enc-1', 1, 0), encoder('enc-1', 3, 1_000), encoder('enc-2', 9, 0)]);
    const options = { cell: 'recent', fields: ['units_used', 'reachable'], sinceMs: atMs };
    const points = await store.recent('encoder', { ...options, tag: ['encoder', 'enc-1'] });
    expect(points.map((p) => [p.atMs - atMs, p.fields])).toEqual([
      [0, { units_used: 1, reachable: null }],
      [1_000, { units_used: 3, reachable: null }],
    ]);
    expect(points[0]?.tags).toEqual({ cell: 'recent', encoder: 'enc-1', region: 'eu', zone: 'a' });
    const means = await store.recent('encoder', { ...options, fields: ['units_used'], stepSeconds: 5 });
    expect(means.map((p) => [p.tags.encoder, p.fields.units_used])).toEqual([
      ['enc-1', 2],
      ['enc-2', 9],
    ]);
  });

  test('a name from outside can not change the query', async () => {
    const evil = `x' OR "cell" =~ /.*/ --`;
    expect(await store.latestAudience({ cell: evil, channelIds: ['ch-1'] })).toEqual({});
    expect(await store.recent('audience', { cell: evil, fields: ['viewers'], sinceMs: 0 })).toEqual([]);
  });
});

describe('what can not be stored', () => {
  test('a point that breaks its measurement’s contract is refused, and its batch with it', async () => {
    const good = audience('refused', 'ch-1', 1, Date.now());
    const bad = { ...good, fields: { viewers: 1, likes: 2 } };
    await expect(store.write([good, bad])).rejects.toMatchObject({ code: 'bad-request' });
    expect(await store.latestAudience({ cell: 'refused', channelIds: ['ch-1'] })).toEqual({});
  });

  test('values that are not numbers at all are left out', async () => {
    await store.write([audience('nan', 'ch-1', NaN, Date.now()), audience('nan', 'ch-2', 5, Date.now())]);
    expect(await store.latestAudience({ cell: 'nan', channelIds: ['ch-1', 'ch-2'] })).toEqual({ 'ch-2': 5 });
  });

  test('a field that the database holds with another type is dropped and counted', async () => {
    const point = { measurement: 'typed', tags: { cell: 'typed' }, fields: { value: 1 }, atMs: Date.now() };
    await store.write([point]);
    const before = store.status().dropped;
    await store.write([{ ...point, fields: { value: 'a word' }, atMs: Date.now() + 1 }]);
    expect(store.status()).toMatchObject({ buffered: 0, dropped: before + 1 });
    expect(store.status().lastError).toMatch(/InfluxDB keeps value of typed as float/);
  });
});

test('a writer does not wait for what others write without a pause', async () => {
  let others = 0;
  const timer = setInterval(
    () => void store.write([audience('busy', 'other', ++others, Date.now() + others)]),
    1,
  );
  try {
    for (let n = 0; n < 3; n++) {
      const own = store.write([audience('busy', 'ch-1', n, Date.now())]).then(() => 'written');
      expect(await Promise.race([own, sleep(4_000)])).toBe('written');
    }
  } finally {
    clearInterval(timer);
  }
});

describe('while the database is away', () => {
  test('points wait in a bounded buffer, the oldest go first, and the rest arrives', async () => {
    const port = await freePort();
    const away = new InfluxTelemetryStore({
      url: `http://127.0.0.1:${port}`,
      database: 'telemetry_test',
      stepSeconds: 5,
      bufferPoints: 100,
    });
    const now = Date.now();
    for (let i = 0; i < 150; i++) await away.write([audience('away', `ch-${i}`, i, now)]);
    expect(away.status()).toMatchObject({ buffered: 100, dropped: 50 });
    expect(away.status().lastError).toMatch(/ECONNREFUSED/);
    await expect(away.latestAudience({ cell: 'away', channelIds: [] })).rejects.toMatchObject({
      code: 'unavailable',
    });
    await away.close();
  });

  test('it is written as soon as the database is back', async () => {
    const own = await InfluxUnderTest.start();
    const buffered = new InfluxTelemetryStore({ url: own.url, database: 'back', stepSeconds: 5 });
    try {
      await buffered.write([audience('back', 'ch-1', 1, Date.now())]);
      await own.end();
      await buffered.write([audience('back', 'ch-2', 2, Date.now())]);
      expect(buffered.status().buffered).toBe(1);
      await own.run();
      for (let i = 0; i < 100 && buffered.status().buffered > 0; i++) await sleep(100);
      expect(buffered.status()).toMatchObject({ buffered: 0, dropped: 0, lastError: null });
      expect(await buffered.latestAudience({ cell: 'back', channelIds: ['ch-1', 'ch-2'] })).toEqual({
        'ch-1': 1,
        'ch-2': 2,
      });
    } finally {
      await buffered.close();
      await own.remove();
    }
  });

  test('a database that hangs costs no caller more than the deadline', async () => {
    const hung = await InfluxUnderTest.start();
    const limited = new InfluxTelemetryStore({
      url: hung.url,
      database: 'hung',
      stepSeconds: 5,
      deadlineMs: 1_000,
    });
    try {
      await limited.write([audience('hung', 'ch-1', 1, Date.now())]);
      for (let i = 0; i < 100 && limited.status().buffered > 0; i++) await sleep(100);
      await hung.pause();
      const began = Date.now();
      const failure = await limited
        .latestAudience({ cell: 'hung', channelIds: ['ch-1'] })
        .catch((e: unknown) => e);
      expect(failure).toBeInstanceOf(SwarmError);
      expect(['timeout', 'unavailable']).toContain((failure as SwarmError).code);
      await limited.write([audience('hung', 'ch-2', 1, Date.now())]);
      expect(Date.now() - began).toBeLessThan(8_000);
      expect(limited.status().buffered).toBe(1);
    } finally {
      hung.resume();
      await limited.close();
      await hung.remove();
    }
  });
});
