import { readEnvironment } from '../../src/config/config';
import { healthOfPoints } from '../../src/contracts/health';
import { createTelemetryStore, type Point, type TelemetryStore } from '../../src/telemetry';
import { until } from '../support/until';
import { InfluxUnderTest } from './support/influx-under-test';

/** Somebody wrote whole numbers first: InfluxDB keeps that type, and refuses fractions, for a day. */
let influx: InfluxUnderTest;
let store: TelemetryStore;
const DATABASE = 'conflict_test';

beforeAll(async () => {
  influx = await InfluxUnderTest.start();
  store = createTelemetryStore(readEnvironment({ INFLUX_URL: influx.url, INFLUX_DATABASE: DATABASE }));
  // The database is there.
  await store.latestAudience({ cell: 'local', channelIds: [] });
  for (const [line, policy] of [
    ['audience,cell=local,channel=ch-1 viewers=1200i', 'main'],
    ['cdn,cell=local,region=eu load_fraction=1i', 'main'],
    ['forecast_issued,cell=local,kind=viewers,id=ch-1,lead=1 p50=1i', 'feedback'],
  ]) {
    const url = `${influx.url}/write?db=${DATABASE}&rp=${policy}`;
    const answer = await fetch(url, { method: 'POST', body: line! });
    expect(answer.status).toBe(204);
  }
});
afterAll(async () => {
  await store.close();
  await influx.remove();
});

const viewers = (channel: string, value: number): Point => ({
  ...{
    measurement: 'audience',
    tags: { cell: 'local', channel },
    fields: { viewers: value },
    atMs: Date.now(),
  },
});
const load = (value: number): Point => ({
  ...{
    measurement: 'cdn',
    tags: { cell: 'local', region: 'eu' },
    fields: { load_fraction: value },
    atMs: Date.now(),
  },
});

test('an audience is written all the same, in whole viewers, also beside other points', async () => {
  const other: Point = {
    measurement: 'encoding',
    tags: { cell: 'local', encoder: 'enc-1', channel: 'ch-2' },
    fields: { units: 0.5 },
    atMs: Date.now(),
  };
  await store.write([viewers('ch-2', 5.5), other]);
  expect(store.status()).toMatchObject({ dropped: 0, lastError: null, refused: null });
  expect(await store.latestAudience({ cell: 'local', channelIds: ['ch-2'] })).toEqual({ 'ch-2': 6 });
  const recent = { cell: 'local', fields: ['units'], sinceMs: Date.now() - 60_000 };
  expect(await store.recent('encoding', recent)).toMatchObject([{ fields: { units: 0.5 } }]);
});

test('an import likewise, also where its rows lie on days of the other type', async () => {
  const dayMs = 86_400_000;
  const yesterday = { atMs: Date.now() - 2 * dayMs, channelId: 'ch-3', region: 'eu', viewers: 7.25 };
  const today = { ...yesterday, atMs: Date.now(), viewers: 8.75 };
  await store.inputs.importAudience('local', [yesterday, today]);
  expect(await store.latestAudience({ cell: 'local', channelIds: ['ch-3'] })).toEqual({ 'ch-3': 9 });
  const history = {
    cell: 'local',
    fields: ['viewers'],
    sinceMs: Date.now() - 3 * dayMs,
    tag: ['channel', 'ch-3'] as [string, string],
  };
  expect((await store.recent('audience', history)).map(({ fields }) => fields.viewers)).toEqual([7.25, 9]);
});

test('a fraction that can not be rounded is refused by its name, with what to do; counts beside it are written', async () => {
  await store.write([load(0.4), viewers('ch-4', 2)]);
  await until('it was refused', () => store.status().refused !== null);
  expect(store.status().refused).toMatchObject({
    message:
      'InfluxDB keeps load_fraction of cdn as integer, as it was first written today, and refuses all else.',
    hint: expect.stringMatching(/docs\/reference\/measurements\.md.*DROP MEASUREMENT "cdn"/),
  });
  expect(await store.latestAudience({ cell: 'local', channelIds: ['ch-4'] })).toEqual({ 'ch-4': 2 });
});

test('of several conflicts in one batch each is found, whichever InfluxDB names', async () => {
  for (const points of [
    [viewers('ch-6', 3.2), load(0.5)],
    [load(0.5), viewers('ch-6', 3.2)],
  ]) {
    const { dropped } = store.status();
    await store.write(points);
    expect(store.status().dropped).toBeGreaterThan(dropped);
    expect(store.status().refused?.message).toContain('load_fraction of cdn');
  }
  expect(await store.latestAudience({ cell: 'local', channelIds: ['ch-6'] })).toEqual({ 'ch-6': 3 });
});

test('a count that somebody wrote first as a text is refused by its name, and not lost without a word', async () => {
  const other = 'conflict_of_text';
  const texts = createTelemetryStore(readEnvironment({ INFLUX_URL: influx.url, INFLUX_DATABASE: other }));
  try {
    await texts.latestAudience({ cell: 'local', channelIds: [] });
    const body = 'audience,cell=local,channel=ch-1 viewers="1200"';
    expect((await fetch(`${influx.url}/write?db=${other}`, { method: 'POST', body })).status).toBe(204);
    await texts.write([viewers('ch-2', 5)]);
    expect(texts.status()).toMatchObject({
      dropped: 1,
      refused: { message: expect.stringContaining('InfluxDB keeps viewers of audience as string') },
    });
  } finally {
    await texts.close();
  }
});

test('what is refused of forecasts, moves and records is told as well', async () => {
  const before = store.status().refused;
  const targetMs = Date.now();
  const issued = { kind: 'viewers' as const, id: 'ch-1', lead: 1, targetMs, p10: 0.5, p50: 0.5, p90: 0.5 };
  await expect(store.feedback.writeIssued('local', [issued])).rejects.toThrow('p50 of forecast_issued');
  expect(store.status().refused).not.toEqual(before);
  expect(healthOfPoints(store.status().refused, Date.now()).damaged).toMatchObject([
    { message: expect.stringContaining('p50 of forecast_issued') },
  ]);
  expect(healthOfPoints(store.status().refused, Date.now() + 120_000).damaged).toEqual([]);
});
