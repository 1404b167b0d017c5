import { createHash } from 'node:crypto';
import { readEnvironment } from '../../src/config/config';
import { channelWithDefaults, type PlanningRecord } from '../../src/domain';
import { createTelemetryStore, type TelemetryStore } from '../../src/telemetry';
import { channelOn, defaultPolicy, defaultSwarm, encoderWith, forecastOf } from '../planner/swarm-fixtures';
import { InfluxUnderTest } from './support/influx-under-test';

let influx: InfluxUnderTest;
let store: TelemetryStore;
const cell = 'records';
const environment = () => readEnvironment({ INFLUX_URL: influx.url, INFLUX_DATABASE: 'records_test' });

beforeAll(async () => {
  influx = await InfluxUnderTest.start();
  store = createTelemetryStore(environment());
});
afterAll(async () => {
  await store.close();
  await influx.remove();
});

const snapshot = { ...defaultSwarm(), cell, atMs: Date.now() };
const forecast = forecastOf(snapshot, { 'ch-1': [1, 2, 3, 4, 5, 6] }, { forecastId: 'f-1' });
const record: PlanningRecord = {
  cycleId: 'cycle/records/1',
  snapshot,
  forecast: { forecastId: forecast.forecastId, issuedAtMs: forecast.issuedAtMs },
  policy: defaultPolicy,
  lowDemandSinceMs: null,
  target: null,
};
const put = (snapshotId: string): Promise<void> =>
  store.planning.put({ cell, snapshotId, atMs: snapshot.atMs, text: JSON.stringify(record) }, forecast);
const find = (from: TelemetryStore, snapshotId: string, atMs = snapshot.atMs): Promise<string | null> =>
  from.planning.record({ cell, snapshotId, atMs });

test('another process reads the very record and forecast by id', async () => {
  await put('s-1');
  const other = createTelemetryStore(environment());
  try {
    expect(JSON.parse((await find(other, 's-1')) as string)).toEqual(record);
    const { forecastId, issuedAtMs } = forecast;
    expect(await other.planning.forecast({ cell, forecastId, issuedAtMs })).toEqual(forecast);
    expect(await other.planning.forecast({ cell, forecastId: 'f-2', issuedAtMs })).toBeNull();
  } finally {
    await other.close();
  }
});

test('what was never stored, or stored under another id at the same time, is not found', async () => {
  await put('s-2');
  expect(await find(store, 's-3')).toBeNull();
  expect(await find(store, 's-2', snapshot.atMs + 1)).toBeNull();
  expect(await find(store, 's-2')).not.toBeNull();
  // Written over by a record of the same moment: the older one is gone, not mixed up with the newer.
  await put('s-4');
  expect(await find(store, 's-2')).toBeNull();
});

test('a snapshot of 10,000 channels comes back byte for byte from its chunks', async () => {
  // Random ids, so that the record is long also when it is compressed.
  const random = (i: number): string => createHash('sha256').update(`c-${i}`).digest('hex');
  const large = {
    ...snapshot,
    atMs: snapshot.atMs + 10,
    encoders: Array.from({ length: 10 }, (_, i) => encoderWith(`enc-${i + 1}`)),
    channels: Array.from({ length: 10_000 }, (_, i) => channelOn(channelWithDefaults(random(i)), 'enc-1')),
  };
  const text = JSON.stringify({ ...record, snapshot: large });
  await store.planning.put({ cell, snapshotId: 's-large', atMs: large.atMs, text }, null);
  expect(await find(store, 's-large', large.atMs)).toBe(text);
}, 30_000);

test('records expire after a day', async () => {
  const answer = await fetch(
    `${influx.url}/query?q=${encodeURIComponent('SHOW RETENTION POLICIES ON "records_test"')}`,
  );
  expect(await answer.text()).toContain('["planning","24h0m0s","1h0m0s"');
});

test('without the database a record is refused, not kept waiting in memory', async () => {
  const nobody = createTelemetryStore(readEnvironment({ INFLUX_URL: 'http://127.0.0.1:9' }));
  const kept = { cell, snapshotId: 's-5', atMs: snapshot.atMs, text: '{}' };
  await expect(nobody.planning.put(kept, null)).rejects.toMatchObject({ code: 'unavailable' });
  expect(nobody.status().buffered).toBe(0);
  await nobody.close();
});
