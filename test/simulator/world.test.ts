import { deservedRungs } from '../../src/planner/demand';
import { sessionMinutesAt } from '../../src/simulator/session-lengths';
import { parseTraceCsv } from '../../src/simulator/trace-files';
import { worldOfTraces } from '../../src/simulator/trace-world';
import { demandOf, unitsByRungs, viewersAt } from '../../src/simulator/world';
import { csvOf, waveTrace } from './made-traces';

describe('traces', () => {
  test('a file becomes a regular grid with holes', () => {
    const trace = waveTrace('wave', 5);
    const lines = csvOf(trace).split('\n');
    lines.splice(10, 3);
    const parsed = parseTraceCsv(lines.join('\n'), 'wave.csv');
    expect(parsed).toMatchObject({ name: 'wave', startMs: trace.startMs, stepMs: trace.stepMs });
    expect(parsed.values).toHaveLength(trace.values.length);
    expect(parsed.values.findIndex((v) => Number.isNaN(v))).toBe(9);
    expect(parsed.values.filter((v) => Number.isNaN(v))).toHaveLength(3);
  });

  test.each([
    ['timestamp,value\n2020-01-01T00:00:00Z,1\nyesterday,2\n', /Line 3 of t.csv/],
    ['timestamp,value\n2020-01-01T00:00:00Z,-1\n', /Line 2 of t.csv/],
    ['a,b\n1,2\n', /Line 2 of t.csv/],
    ['timestamp,value\n2020-01-01T00:00:00Z,1\n2020-01-02T00:00:00Z,1\n', /less than 4 days/],
    ['timestamp,value\n2020-01-01T00:00:00Z,"1\n', /no CSV/],
    [csvOf({ ...waveTrace('z', 5), values: new Float64Array(241) }), /nothing but zeros/],
    ['', /less than 4 days/],
  ])('refuses %j', (csv, message) => {
    expect(() => parseTraceCsv(csv, 't.csv')).toThrow(message);
  });

  test('refuses more hours than a trace has', () => {
    expect(() => worldOfTraces([waveTrace('w', 6)], { hours: 24 * 5, channels: 2, seed: 1 })).toThrow(
      /w is too short for 120 h/,
    );
  });
});

test('session lengths pass through the measured quantiles and never shrink', () => {
  expect([0.25, 0.5, 0.75, 0.95].map((level) => Math.round(sessionMinutesAt(level)))).toEqual([
    327, 629, 1104, 4656,
  ]);
  const lengths = Array.from({ length: 101 }, (_, i) => sessionMinutesAt(i / 100));
  expect([...lengths].sort((a, b) => a - b)).toEqual(lengths);
  expect(lengths[0]).toBeGreaterThanOrEqual(10);
  expect(lengths[100]).toBeLessThanOrEqual(14 * 24 * 60);
});

describe('a world made from traces', () => {
  const options = { hours: 6, channels: 30, seed: 3 };
  const world = worldOfTraces([waveTrace('a'), waveTrace('b')], options);

  test('is decided by its seed', () => {
    const same = worldOfTraces([waveTrace('a'), waveTrace('b')], options);
    expect(same).toEqual(world);
    const other = worldOfTraces([waveTrace('a'), waveTrace('b')], { ...options, seed: 4 });
    expect(other.channels[0]?.viewers).not.toEqual(world.channels[0]?.viewers);
  });

  test('has channels that come and go, and none with a negative audience', () => {
    let negative = 0;
    const changes = world.channels.map(({ viewers }) => {
      let n = 0;
      for (let i = 1; i < viewers.length; i++) {
        if (Number.isNaN(viewers[i]) !== Number.isNaN(viewers[i - 1])) n++;
        if ((viewers[i] as number) < 0) negative++;
      }
      return n;
    });
    expect(negative).toBe(0);
    expect(changes.filter((n) => n > 0).length).toBeGreaterThan(20);
  });

  test('has its prime time in the evening, whatever the clock of the trace', () => {
    const { channels, historySamples } = world;
    const hourly = new Float64Array(24);
    for (const { viewers } of channels) {
      for (let i = historySamples - 3 * 1440; i < historySamples; i += 10) {
        hourly[Math.floor((i % 1440) / 60)] = hourly[Math.floor((i % 1440) / 60)]! + (viewers[i] || 0);
      }
    }
    expect([19, 20, 21]).toContain(hourly.indexOf(Math.max(...hourly)));
  });

  test('demand: rungs follow viewers with the hysteresis of the planner, units follow rungs', () => {
    const demand = demandOf(world);
    let total = 0;
    world.channels.forEach((channel, c) => {
      const rungs = demand.rungs[c]!;
      const costs = unitsByRungs(channel.spec);
      for (let cycle = 1; cycle < world.cycles; cycle += 7) {
        const viewers = viewersAt(world, channel, cycle * world.cycleSeconds);
        const [before, now] = [rungs[cycle - 1]!, rungs[cycle]!];
        if (Number.isNaN(viewers)) expect(now).toBe(0);
        else if (before > 0) expect(now).toBe(deservedRungs({ spec: channel.spec, viewers, rungs: before }));
        else expect(now).toBeGreaterThan(0);
      }
      total += costs[rungs[100]!]!;
    });
    expect(demand.totalUnits[100]).toBeCloseTo(total, 6);
  });
});
