import { setTimeout as sleep } from 'node:timers/promises';
import { telemetryActivities } from '../../activities/cycle/telemetry';
import { readEnvironment } from '../../src/config/config';
import { channelWithDefaults, type MoveResult } from '../../src/domain';
import { deadlinesMs } from '../../src/observation/deadlines';
import { TelemetryReadings } from '../../src/observation/telemetry-readings';
import { TelemetryView } from '../../src/observation/telemetry-view';
import { createTelemetryStore, type TelemetryStore } from '../../src/telemetry';
import { InfluxUnderTest } from '../telemetry/support/influx-under-test';

let influx: InfluxUnderTest;
let store: TelemetryStore;
beforeAll(async () => {
  influx = await InfluxUnderTest.start();
  store = createTelemetryStore(readEnvironment({ INFLUX_URL: influx.url, INFLUX_DATABASE: 'moves_test' }));
});
afterAll(async () => {
  await store?.close();
  await influx?.remove();
});

const viewOf = (from: TelemetryStore): TelemetryView =>
  new TelemetryView(
    new TelemetryReadings(from, {
      ...{ cell: 'test', stepSeconds: 5, forecastMaxAgeMs: 60_000 },
      deadlineMs: deadlinesMs.telemetry,
    }),
  );

const result = (channelId: string, finishedAtMs: number): MoveResult => ({
  channelId,
  workflowId: `recovery/${channelId}/1`,
  runId: 'r',
  reason: 'encoder-lost',
  outcome: 'recovered',
  fromEncoderId: 'enc-1',
  toEncoderId: 'enc-2',
  ownerEncoderId: 'enc-2',
  ownerSessionId: 's',
  token: 2,
  rungs: 1,
  firstGop: 5,
  requestedAtMs: finishedAtMs - 300,
  preparedAtMs: null,
  committedAtMs: finishedAtMs - 200,
  publishedAtMs: finishedAtMs,
  releasedAtMs: null,
  finishedAtMs,
  overlapGops: null,
  gapsDeclared: 0,
  steps: [],
});

test('one crash counts once, however many channels it cost, and is forgotten by half in ten minutes', async () => {
  const activities = telemetryActivities({ store });
  const nowMs = Date.now();
  const crash = { encoderId: 'enc-1', kind: 'crash' as const, atMs: nowMs - 10 * 60_000 };
  for (const channelId of ['ch-1', 'ch-2']) {
    await activities.recordMove({ cell: 'test', result: result(channelId, nowMs), troubles: [crash] });
  }
  const view = viewOf(store);
  for (let tries = 0; view.troublesOf('enc-1') === 0 && tries < 50; tries += 1) {
    await view.refreshTroubles(nowMs);
    await sleep(100);
  }
  expect(view.troublesOf('enc-1')).toBeCloseTo(0.5, 2);
  expect(view.troublesOf('enc-2')).toBe(0);

  const moves = await store.recent('move', {
    cell: 'test',
    fields: ['request_to_commit_ms'],
    sinceMs: nowMs - 5_000,
  });
  expect(moves.map(({ tags, fields }) => [tags.channel, fields.request_to_commit_ms])).toEqual([
    ['ch-1', 100],
    ['ch-2', 100],
  ]);
});

test('an audience never heard of keeps the ladder as it is', async () => {
  const view = viewOf(store);
  const spec = channelWithDefaults('ch-9');
  await view.refreshViewers(['ch-9']);
  expect(view.viewersOf(spec, 1)).toBe(0);
  expect(view.viewersOf(spec, 2)).toBe(spec.viewersPerRung[0]);
  const point = { measurement: 'audience', tags: { cell: 'test', channel: 'ch-9', region: 'eu' } };
  await store.write([{ ...point, fields: { viewers: 42 }, atMs: Date.now() }]);
  await view.refreshViewers(['ch-9']);
  expect(view.viewersOf(spec, 2)).toBe(42);
});
