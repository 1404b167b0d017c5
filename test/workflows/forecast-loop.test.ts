import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import pino from 'pino';
import type { IssuedForecast } from '../../activities';
import { forecastingActivities } from '../../activities/forecast/forecasting';
import { scoringActivities } from '../../activities/forecast/scoring';
import { startApi, type RunningApi } from '../../src/api/server';
import { createPorts } from '../../src/api/upstream';
import { readEnvironment } from '../../src/config/config';
import { operations, type Accuracy } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
import {
  channelWithDefaults,
  policySchema,
  type CellForecast,
  type SwarmWorkflowInput,
} from '../../src/domain';
import { ModelHolder, ModelStore } from '../../src/models';
import { SwarmView, swarmQueryOf } from '../../src/observation/swarm-view';
import { createTelemetryStore, type TelemetryStore } from '../../src/telemetry';
import { ForecastInputReader } from '../../src/telemetry/forecast-input-reader';
import { runCli, type CliRun } from '../cli/run-cli';
import { freePort } from '../support/ports';
import { eventually } from '../support/until';
import { InfluxUnderTest } from '../telemetry/support/influx-under-test';
import { FakeActivities } from './support/fake-activities';
import { Workbench } from './support/workbench';

/**
 * The feedback loop of forecasts end to end: history imported by the command line, forecasts made by the real
 * workflow on a real Temporal, all of it in a real InfluxDB. A step is a second here, so a day is 24 s, and time
 * passes as it does.
 */
const STEP_MS = 1_000;
const DAY = 24;
const HISTORY_DAYS = 21;
const EVENT_STEPS = 5;
const EVENT_RATIO = 2;
const SHIFT_RATIO = 4;

let bench: Workbench;
let influx: InfluxUnderTest;
let store: TelemetryStore;
let api: RunningApi;
let folder: string;
let feeder: NodeJS.Timeout;

/** A fraction in [-1, 1] that depends on the step alone. */
const noiseAt = (step: number): number => (((step * 2_654_435_761) >>> 8) % 2_001) / 1_000 - 1;
const events: { fromMs: number; toMs: number }[] = [];
let shiftedSinceMs = Infinity;

/** What ch-1 has: a day's and a week's rhythm, events that double it, and from some moment on a new level. */
const viewersOf = (channelId: string, atMs: number): number => {
  const step = Math.floor(atMs / STEP_MS);
  const day = Math.floor(step / DAY);
  const weekend = day % 7 >= 5 ? 0.6 : 1;
  const usual = 1_000 * weekend * (1.5 + Math.sin((2 * Math.PI * step) / DAY)) * (1 + 0.1 * noiseAt(step));
  if (channelId !== 'ch-1') return Math.round(usual / 2);
  const event = events.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs) ? EVENT_RATIO : 1;
  return Math.round(usual * event * (atMs >= shiftedSinceMs ? SHIFT_RATIO : 1));
};

const cli = (...args: string[]): Promise<CliRun> => runCli(args, { env: { SWARM_API_URL: api.url } });
const iso = (ms: number): string => new Date(ms).toISOString();

/** One run of the scheduled workflow, as the Schedule starts it: under its own name, never two at once. */
const forecastNow = async (): Promise<IssuedForecast> => {
  return bench.client.workflow.execute('forecasting', {
    workflowId: `forecasting/${bench.cell}`,
    taskQueue: bench.taskQueue,
    args: [],
  }) as Promise<IssuedForecast>;
};
const latest = async (): Promise<CellForecast> => {
  const { forecastId } = await forecastNow();
  // A write that a busy InfluxDB did not take in time is buffered, and made again a second later.
  return eventually(async () => {
    const forecast = await store.latestForecast(bench.cell, 30_000);
    return forecast?.forecastId === forecastId && forecast;
  }, 15_000);
};

beforeAll(async () => {
  [bench, influx, folder] = await Promise.all([
    Workbench.open(),
    InfluxUnderTest.start(),
    mkdtemp(join(tmpdir(), 'swarm-loop-')),
  ]);
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const environment = readEnvironment({
    SWARM_CELL: bench.cell,
    SWARM_STATE_DIR: folder,
    SWARM_STEP_SECONDS: String(STEP_MS / 1000),
    INFLUX_URL: influx.url,
    TEMPORAL_ADDRESS: bench.environment.address,
    ...{ SWARM_ORIGIN_URL: nobody, SWARM_SOURCE_URL: nobody, SWARM_FLEET_URL: nobody },
  });
  store = createTelemetryStore(environment);
  const models = new ModelHolder(
    new ModelStore(environment.SWARM_STATE_DIR, bench.cell),
    pino({ level: 'silent' }),
  );
  const temporal = () => bench.client;
  const swarm = new SwarmView(bench.cell, swarmQueryOf(bench.cell, temporal));
  const dependencies = { cell: bench.cell, store, stepSeconds: STEP_MS / 1000, swarm, models };
  bench.use({
    ...new FakeActivities().activities(),
    ...forecastingActivities({
      ...dependencies,
      forecastInputs: new ForecastInputReader(bench.cell, store),
    }),
    ...scoringActivities(dependencies),
  });
  const channels = ['ch-1', 'ch-2'].map((id) => channelWithDefaults(id));
  const policy = policySchema.parse({});
  const input: SwarmWorkflowInput = {
    ...{ cell: bench.cell, cycleSeconds: 3_600, policy },
    carried: {
      ...{
        cell: bench.cell,
        cycle: 1,
        policy,
        channels,
        cordons: {},
        lowDemandSinceMs: null,
        lastCycle: null,
      },
    },
  };
  await bench.client.workflow.start('swarm', {
    workflowId: `swarm/${bench.cell}`,
    taskQueue: bench.taskQueue,
    args: [input],
  });
  api = await startApi(environment, {
    ports: createPorts(environment),
    log: pino({ level: 'silent' }),
    port: 0,
  });
}, 120_000);
afterAll(async () => {
  clearInterval(feeder);
  await api?.stop();
  await store?.close();
  await bench?.close();
  await influx?.remove();
  await rm(folder, { recursive: true, force: true });
});

test('history is imported by the command line, with events of the past', async () => {
  const nowMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  // In each of the last two weeks, three events at the same hour as the one to come, and on other days.
  for (const daysAgo of [2, 4, 6, 9, 11, 13]) {
    const fromMs = nowMs - daysAgo * DAY * STEP_MS + (daysAgo % 3) * 4 * STEP_MS;
    events.push({ fromMs, toMs: fromMs + EVENT_STEPS * STEP_MS });
  }
  for (const [i, { fromMs, toMs }] of events.entries()) {
    const body = {
      id: `past-${i}`,
      title: 'A match',
      channelIds: ['ch-1'],
      startsAtMs: fromMs,
      endsAtMs: toMs,
    };
    await callApi(api.url, operations.addEvent, { body });
  }
  const rows = ['ch-1', 'ch-2'].flatMap((channelId) =>
    Array.from({ length: HISTORY_DAYS * DAY }, (_, i) => {
      const atMs = nowMs - (i + 1) * STEP_MS + STEP_MS / 2;
      return `${iso(atMs)},${channelId},${viewersOf(channelId, atMs)}`;
    }),
  );
  const file = join(folder, 'history.csv');
  await writeFile(file, ['timestamp,channel,viewers', ...rows, ''].join('\n'));
  const told = await cli('history', 'import', file);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toContain(`${rows.length} of ${rows.length} rows`);
  // From here on the audience is measured.
  const feed = (): void => {
    const atMs = Date.now();
    void store.write(
      ['ch-1', 'ch-2'].map((channel) => ({
        measurement: 'audience',
        tags: { cell: bench.cell, channel, region: 'eu' },
        fields: { viewers: viewersOf(channel, atMs) },
        atMs,
      })),
    );
  };
  feed();
  feeder = setInterval(feed, STEP_MS / 4);
  const forecast = await latest();
  expect(forecast.held).toEqual([]);
  const truth = viewersOf('ch-2', forecast.issuedAtMs);
  expect(Math.abs(forecast.viewers['ch-2']!.p50[0]! / truth - 1)).toBeLessThan(0.5);
  expect(forecast.regionViewers).toHaveProperty('eu');
});

test('an event to come raises the curve of its channel during it, and no other', async () => {
  /** An event six steps ahead, of which the command line takes one; on a busy machine it may take all of them. */
  const addEvent = async (id: string) => {
    const fromMs = Math.ceil(Date.now() / STEP_MS) * STEP_MS + 6 * STEP_MS;
    const event = { fromMs, toMs: fromMs + EVENT_STEPS * STEP_MS };
    events.push(event);
    const before = await latest();
    const args = ['--channel', 'ch-1', '--from', iso(event.fromMs), '--to', iso(event.toMs)];
    const added = await cli('event', 'add', id, '--title', 'Cup final', ...args);
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const after = await latest();
    const during = event.fromMs + STEP_MS / 2;
    return after.issuedAtMs < during && { before, after, during };
  };
  let attempt = 0;
  const { before, after, during } = await eventually(() => addEvent(`final-${attempt++}`), 50_000);
  const valueAt = (forecast: CellForecast, channelId: string, atMs: number): number | undefined =>
    forecast.viewers[channelId]!.p50[Math.floor((atMs - forecast.issuedAtMs) / STEP_MS)];
  const [usual, raised] = [valueAt(before, 'ch-1', during), valueAt(after, 'ch-1', during)];
  expect(usual).toBeDefined();
  expect(raised! / usual!).toBeGreaterThan(1.5);
  expect(raised! / usual!).toBeLessThan(2.7);
  const [other, otherAfter] = [valueAt(before, 'ch-2', during), valueAt(after, 'ch-2', during)];
  expect(Math.abs(otherAfter! / other! - 1)).toBeLessThan(0.3);
}, 90_000);

test('what was forecast is scored by lead once it has come', async () => {
  const series = await eventually(async () => {
    await forecastNow();
    const scored = await store.feedback.accuracy({ cell: bench.cell, sinceMs: Date.now() - 60_000 });
    // The error of the day before is known only of steps in which the feeder was not held up.
    const ofBoth = scored.filter(({ kind }) => kind === 'viewers');
    const isLongEnough = ofBoth.some(({ lead, count }) => lead === 8 && count >= 3);
    return isLongEnough && ofBoth.every(({ mase }) => mase !== null) && scored;
  }, 45_000);
  const of = (id: string) => series.filter((one) => one.kind === 'viewers' && one.id === id);
  expect(of('ch-1').map(({ lead }) => lead)).toEqual([1, 2, 3, 4, 6, 8]);
  for (const { pinball, mase, coverage, over90, drifting } of of('ch-2')) {
    expect(pinball).toBeGreaterThan(0);
    expect(mase).toBeGreaterThan(0);
    expect(coverage + over90).toBeLessThanOrEqual(1);
    expect(drifting).toBe(false);
  }
});

test('a retry of the same step issues the same forecast, and scores nothing twice', async () => {
  const models = new ModelHolder(new ModelStore(folder, bench.cell), pino({ level: 'silent' }));
  const temporal = () => bench.client;
  const dependencies = { cell: bench.cell, store, stepSeconds: STEP_MS / 1000, temporal, models };
  const { MockActivityEnvironment } = await import('@temporalio/testing');
  const run = <T>(activity: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(activity);
  const { scoreForecasts } = scoringActivities(dependencies);
  const window = { cell: bench.cell, sinceMs: Date.now() - 60_000 };
  const total = async (): Promise<number> =>
    (await store.feedback.accuracy(window)).reduce((sum, { count }) => sum + count, 0);
  // Until no step ends between the two.
  await eventually(async () => {
    const second = Math.floor((Date.now() - 2_000) / STEP_MS);
    await run(scoreForecasts);
    const before = await total();
    const again = await run(scoreForecasts);
    const after = await total();
    if (Math.floor((Date.now() - 2_000) / STEP_MS) !== second) return false;
    expect(again.scored).toBe(0);
    expect(after).toBe(before);
    return true;
  });
  await expect(Promise.all([forecastNow(), forecastNow()])).rejects.toThrow(
    WorkflowExecutionAlreadyStartedError,
  );
  // The one of the two that was started is to end before the next test.
  await eventually(() =>
    forecastNow().then(
      () => true,
      () => false,
    ),
  );
});

test('after a shift of the level drift is raised: status, score, log of the run; the band widens', async () => {
  shiftedSinceMs = Date.now();
  const status = await eventually(async () => {
    await forecastNow();
    const seen = await callApi(api.url, operations.getStatus, {}, { timeoutMs: 10_000 });
    return seen.alerts.some(({ subject }) => subject === 'viewers/ch-1') && seen;
  }, 40_000);
  expect(status.alerts.find(({ subject }) => subject === 'viewers/ch-1')).toMatchObject({
    kind: 'forecast-drift',
    message: expect.stringContaining('Forecasts of the viewers of ch-1 drift'),
  });
  expect(status.alerts.map(({ subject }) => subject)).not.toContain('viewers/ch-2');
  const [score, text] = await Promise.all([cli('forecast', 'score', '--json'), cli('status')]);
  const drifting = (JSON.parse(score.stdout) as Accuracy).series.filter((one) => one.drifting);
  expect(new Set(drifting.map(({ id }) => id))).toEqual(new Set(['ch-1']));
  expect(Math.max(...drifting.map(({ widthHigh }) => widthHigh))).toBeGreaterThan(1.1);
  expect(text.stdout).toContain('! Forecasts of the viewers of ch-1 drift');
});
