import { readEnvironment } from '../../src/config/config';
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
  for (const line of [
    'audience,cell=local,channel=ch-1 viewers=1200i',
    'cdn,cell=local,region=eu load_fraction=1i',
  ]) {
    const answer = await fetch(`${influx.url}/write?db=${DATABASE}`, { method: 'POST', body: line });
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
  const trend: Point = {
    measurement: 'trend',
    tags: { cell: 'local', channel: 'ch-2' },
    fields: { score: 0.5 },
    atMs: Date.now(),
  };
  await store.write([viewers('ch-2', 5.5), trend]);
  expect(store.status()).toMatchObject({ dropped: 0, lastError: null, refused: null });
  expect(await store.latestAudience({ cell: 'local', channelIds: ['ch-2'] })).toEqual({ 'ch-2': 6 });
  const recent = { cell: 'local', fields: ['score'], sinceMs: Date.now() - 60_000 };
  expect(await store.recent('trend', recent)).toMatchObject([{ fields: { score: 0.5 } }]);
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
