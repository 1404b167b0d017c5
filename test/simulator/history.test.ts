import { rm, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/config';
import { rungsFor } from '../../src/domain';
import { readHistory } from '../../src/simulator/history-world';
import { learnSpec } from '../../src/simulator/learned-ladder';
import { unitsByRungs } from '../../src/simulator/world';
import { createTelemetryStore, type Point, type TelemetryStore } from '../../src/telemetry';
import { runCli } from '../cli/run-cli';
import { InfluxUnderTest } from '../telemetry/support/influx-under-test';
import { csvOf, waveTrace } from './made-traces';

let influx: InfluxUnderTest;
let store: TelemetryStore;
let folder: string;
const environmentOf = () => ({
  INFLUX_URL: influx.url,
  INFLUX_DATABASE: 'history_test',
  SWARM_CELL: 'night',
});

const STEP_SECONDS = 5;
/** Ten minutes of swarm, and as much audience before them as forecasts use. */
const WINDOW_SECONDS = 600;
const HISTORY_SECONDS = 21 * 24 * STEP_SECONDS;

/** 24 steps are a day: an audience that crosses 1,000 viewers, its second rung's mark, twice a day. */
const viewersAt = (second: number, channel: number): number =>
  Math.round(900 + 600 * Math.sin((2 * Math.PI * second) / 120 + channel));
const rungsAt = (second: number, channel: number): number => (viewersAt(second, channel) >= 1_000 ? 2 : 1);

/** Three channels; ch-1 moves from enc-1 to enc-2 after five minutes; enc-2 is over its limit in the tenth. */
const recordNight = (endMs: number): Point[] => {
  const points: Point[] = [];
  const startMs = endMs - WINDOW_SECONDS * 1000;
  for (let second = -HISTORY_SECONDS; second < WINDOW_SECONDS; second++) {
    const atMs = startMs + second * 1000 + 500;
    [1, 2, 3].forEach((n) => {
      const id = `ch-${n}`;
      const viewers = viewersAt(second, n);
      points.push({
        measurement: 'audience',
        tags: { cell: 'night', channel: id, region: 'eu' },
        fields: { viewers },
        atMs,
      });
      if (second < 0) return;
      const rungs = rungsAt(second, n);
      const encoder = n === 1 && second < 300 ? 'enc-1' : 'enc-2';
      const fields = { units: rungs === 2 ? 1.64 : 1, rungs, next_gop: second };
      points.push({
        measurement: 'channel',
        tags: { cell: 'night', channel: id, encoder, region: 'eu' },
        fields,
        atMs,
      });
    });
    if (second < 0) continue;
    ['enc-1', 'enc-2'].forEach((encoder, i) => {
      const used = i === 1 && second >= 540 ? 5.5 : 2;
      points.push({
        measurement: 'encoder',
        tags: { cell: 'night', encoder, region: 'eu', zone: i === 0 ? 'a' : 'b' },
        fields: { units_used: used, capacity_units: 6, reachable: true, sessions: 2 },
        atMs,
      });
    });
  }
  return points;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarm-simulate-'));
  influx = await InfluxUnderTest.start();
  store = createTelemetryStore(readEnvironment(environmentOf()));
});
afterAll(async () => {
  await store.close();
  await influx.remove();
  await rm(folder, { recursive: true, force: true });
});

test('a ladder is learned from what channels did', () => {
  const samples = Array.from({ length: 300 }, (_, i) => {
    const viewers = i * 20;
    const rungs = viewers >= 2_800 ? 3 : viewers >= 1_000 ? 2 : 1;
    return { viewers, rungs, units: [1, 1.64, 3.415][rungs - 1] as number };
  });
  const spec = learnSpec('ch-1', 'eu', samples);
  expect(unitsByRungs(spec).map((u) => Number(u.toFixed(2)))).toEqual([0, 1, 1.64, 3.41]);
  expect([900, 1_100, 2_700, 2_900].map((viewers) => rungsFor(spec, viewers))).toEqual([1, 2, 2, 3]);
});

describe("last night's swarm", () => {
  const endMs = Math.floor(Date.now() / (STEP_SECONDS * 1000)) * STEP_SECONDS * 1000;
  beforeAll(async () => {
    await store.write(recordNight(endMs));
    expect(store.status()).toMatchObject({ buffered: 0, dropped: 0 });
  });

  test('is read back from the telemetry store: audience, ladders, encoders, and what it did', async () => {
    const history = await readHistory(store, {
      cell: 'night',
      stepSeconds: STEP_SECONDS,
      seconds: WINDOW_SECONDS,
      endMs,
      limitFraction: 0.8,
      seed: 1,
    });
    expect(history).toMatchObject({ capacityUnits: 6, zones: ['a', 'b'] });
    const { world, asItWas } = history;
    expect(world).toMatchObject({
      startMs: endMs - WINDOW_SECONDS * 1000,
      sampleSeconds: 1,
      cycles: WINDOW_SECONDS,
    });
    expect(world.channels.map((c) => c.spec.id)).toEqual(['ch-1', 'ch-2', 'ch-3']);
    const [first] = world.channels;
    expect(first?.viewers.slice(world.historySamples, world.historySamples + 3)).toEqual(
      Float32Array.from([0, 1, 2].map((s) => viewersAt(s, 1))),
    );
    expect(first?.spec.viewersPerRung[0]).toBeGreaterThan(970);
    expect(first?.spec.viewersPerRung[0]).toBeLessThan(1_030);
    expect(asItWas.overloadedMinutes).toBeCloseTo(1, 9);
    expect(asItWas.encoderHours).toBeCloseTo((2 * WINDOW_SECONDS) / 3_600, 9);
    // One handoff in 30 channel-minutes.
    expect(asItWas.handoffsPerChannelDay).toBeCloseTo(48, 6);
    expect(asItWas.peakEncoders).toBe(2);
  });

  test('simulate --history tells what policies would have done', async () => {
    const args = [
      'simulate',
      '--history',
      '8m',
      '--boot',
      '1-2',
      '--policy',
      'swarm',
      'static-peak',
      'clairvoyant',
    ];
    const [json, text] = await Promise.all([
      runCli([...args, '--json'], { env: environmentOf() }),
      runCli(args, { env: environmentOf() }),
    ]);
    expect(json).toMatchObject({ code: 0, stderr: '' });
    const answer = JSON.parse(json.stdout) as { policies: Record<string, { encoderHours: number }> };
    expect(answer).toMatchObject({ channels: 3, asItWas: { peakEncoders: 2 } });
    expect(Object.keys(answer.policies)).toEqual(['swarm', 'static-peak', 'clairvoyant']);
    expect(answer.policies['swarm']!.encoderHours).toBeGreaterThanOrEqual(
      answer.policies['clairvoyant']!.encoderHours,
    );
    expect(text.stdout).toMatch(/as it was +\d/);
  });

  test('refuses a time or a cell of which nothing is known', async () => {
    const run = await runCli(['simulate', '--history', '1h'], {
      env: { ...environmentOf(), SWARM_CELL: 'elsewhere' },
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('holds no channel of that time');
    expect(run.stderr).toContain('Hint: ');
  });
});

describe('simulate --traces', () => {
  test('prints a table or JSON, and draws', async () => {
    await writeFile(join(folder, 'wave.csv'), csvOf(waveTrace('wave', 16)));
    const args = ['simulate', '--traces', folder, '--hours', '3', '--channels', '20', '--seed', '9'];
    const policies = ['--policy', 'hpa', 'static-peak', 'clairvoyant'];
    const svg = join(folder, 'plot.svg');
    const [text, json] = await Promise.all([
      runCli([...args, ...policies, '--svg', svg]),
      runCli([...args, ...policies, '--json']),
    ]);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/POLICY +OVERLOADED MIN +ENCODER H/);
    expect(text.stdout).toMatch(/static-peak +\d/);
    expect(text.stdout).toContain('20 channels over 3 h, seed 9');
    const drawn = await readFile(svg, 'utf8');
    expect(drawn).toMatch(/^<svg /);
    for (const name of ['hpa', 'static-peak', 'clairvoyant']) expect(drawn).toContain(name);
    const answer: unknown = JSON.parse(json.stdout);
    expect(answer).toMatchObject({
      seed: 9,
      hours: 3,
      policies: { hpa: { encoderHours: expect.any(Number) } },
    });
  });

  test.each([
    [['simulate'], 1, 'Nothing to simulate'],
    [['simulate', '--traces', '/nowhere/at/all'], 1, "folder of traces can't be read"],
    [['simulate', '--traces', __dirname], 1, 'There is no .csv file'],
    [['simulate', '--traces', 'x', '--history', '1h'], 2, 'cannot be used with'],
    [['simulate', '--traces', 'x', '--policy', 'wishful'], 2, 'Allowed choices are'],
    [['simulate', '--traces', 'x', '--hours', '0'], 2, 'whole number from 2'],
    [['simulate', '--traces', 'x', '--boot', '9-3'], 2, 'like 60-300'],
    [['simulate', '--history', 'yesterday'], 2, 'is no duration'],
  ])('%j is refused', async (args, code, message) => {
    const run = await runCli(args);
    expect(run).toMatchObject({ code, stdout: '' });
    expect(run.stderr).toContain(message);
  });

  test('a malformed file is named with its line; a file that cannot be written is named', async () => {
    await writeFile(join(folder, 'wave.csv'), csvOf(waveTrace('wave', 16)));
    const unwritable = await runCli([
      ...['simulate', '--traces', folder, '--hours', '2', '--channels', '3', '--policy', 'clairvoyant'],
      ...['--svg', join(folder, 'no', 'such.svg')],
    ]);
    expect(unwritable.code).toBe(1);
    expect(unwritable.stderr).toContain("such.svg can't be written");
    await writeFile(join(folder, 'bad.csv'), 'timestamp,value\n2020-01-01T00:00:00Z,many\n');
    const bad = await runCli(['simulate', '--traces', folder]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('Line 2 of bad.csv');
  });
});
