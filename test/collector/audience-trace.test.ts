import { castRoles, viewersAt } from '../../src/collector/audience/roles';
import { loadTrace, parseTrace } from '../../src/collector/audience/trace';

const DAY_MS = 24 * 5_000;
const ANCHOR_MS = 1_790_000_000_000;

describe('a trace', () => {
  test('that ships with the project covers 17 whole weeks', async () => {
    const trace = await loadTrace();
    expect(trace).toHaveLength(17 * 7 * 24);
    expect(Math.max(...trace)).toBeLessThan(2);
    expect(Math.min(...trace)).toBeGreaterThanOrEqual(0);
  });

  test('is resampled to hours, its gaps filled by straight lines', () => {
    const rows = Array.from({ length: 48 }, (_, i) => {
      const at = new Date(Date.UTC(2024, 0, 1) + i * 1_800_000).toISOString();
      return `${at},${i < 24 ? 10 : 20}`;
    });
    rows.splice(20, 8);
    const trace = parseTrace(['timestamp,value', ...rows, ''].join('\n'), 'test');
    expect(trace).toHaveLength(24);
    const values = [...trace].map((v) => Math.round(v * 20));
    expect(values.slice(0, 10)).toEqual(Array(10).fill(10));
    expect(values.slice(10, 14)).toEqual([12, 14, 16, 18]);
    expect(values.slice(14)).toEqual(Array(10).fill(20));
  });

  test.each([
    ['a bad line', 'timestamp,value\n2024-01-01T00:00:00Z,1\nnonsense\n', /Line 3/],
    ['a negative value', 'timestamp,value\n2024-01-01T00:00:00Z,-1\n', /Line 2/],
    ['less than a day', 'timestamp,value\n2024-01-01T00:00:00Z,1\n', /less than a day/],
    ['nothing', '', /less than a day/],
  ])('with %s is refused', (_, csv, message) => {
    expect(() => parseTrace(csv, 'test')).toThrow(message);
  });

  test('that is not there is refused', async () => {
    await expect(loadTrace('/nowhere/trace.csv')).rejects.toMatchObject({ code: 'bad-request' });
  });
});

describe('roles', () => {
  test('surge and companion share an encoder, counterphase does not', () => {
    const owners = { 'ch-1': 'enc-2', 'ch-2': 'enc-1', 'ch-3': 'enc-3', 'ch-4': 'enc-1', 'ch-5': null };
    expect(castRoles(new Map(Object.entries(owners)))).toEqual({
      'ch-1': 'counterphase',
      'ch-2': 'surge',
      'ch-3': 'modest',
      'ch-4': 'companion',
      'ch-5': 'modest',
    });
  });

  test('without any two together, or without owners, the first two play', () => {
    const apart = castRoles(new Map([['b', 'enc-1'], ['a', 'enc-2']])); // prettier-ignore
    expect(apart).toEqual({ a: 'surge', b: 'companion' });
    const dark = castRoles(new Map([['a', null], ['b', null], ['c', null]])); // prettier-ignore
    expect(dark).toMatchObject({ a: 'surge', b: 'companion' });
    expect(castRoles(new Map([['only', 'enc-1']]))).toEqual({ only: 'surge' });
    expect(castRoles(new Map())).toEqual({});
  });

  test('the default channel whose ladder does not follow its audience plays no part', () => {
    const owners = { 'ch-5': 'enc-1', 'ch-6': 'enc-1', 'ch-7': 'enc-2', 'ch-8': 'enc-2' };
    expect(castRoles(new Map(Object.entries(owners)))).toMatchObject({ 'ch-6': 'modest', 'ch-7': 'surge' });
  });

  test('an audience depends on the wall clock alone, moves smoothly, and comes round again', async () => {
    const trace = await loadTrace();
    const at = (ms: number): number => viewersAt(trace, 'surge', ANCHOR_MS, 5, ANCHOR_MS + ms);
    expect(at(12_345)).toBe(at(12_345));
    for (let ms = -3 * DAY_MS; ms < 3 * DAY_MS; ms += 1_000) {
      expect(Math.abs(at(ms) - at(ms + 1_000))).toBeLessThan(450);
    }
    expect(at(17 * 7 * DAY_MS + 40_000)).toBe(at(40_000));
    expect(at(-17 * 7 * DAY_MS)).toBe(at(0));
  });

  test('modest channels never earn a second rung', async () => {
    const trace = await loadTrace();
    for (let step = 0; step < trace.length; step++) {
      expect(viewersAt(trace, 'modest', ANCHOR_MS, 5, ANCHOR_MS + step * 5_000)).toBeLessThan(900);
    }
  });
});
