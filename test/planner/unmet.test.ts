import type { CellForecast, EncoderObservation, Plan, SwarmSnapshot } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { makePlan } from '../../src/planner';
import { channelOn, defaultPolicy, encoderWith, forecastOf, NOW_MS, withTelemetry } from './swarm-fixtures';

/** Needs that no move can meet: encoders are asked for, although all together would have room. */

const LIMIT = 4.8;
interface Given {
  /** Units at P90 by channel, by encoder; `none`: off air. */
  loads: Record<string, Record<string, number>>;
  encoders?: Record<string, Partial<EncoderObservation>>;
  resting?: string[];
  forecast?: Partial<CellForecast>;
}

const planOf = ({ loads, encoders = {}, resting = [], forecast = {} }: Given): Plan => {
  const ids = Object.keys(loads).filter((id) => id !== 'none');
  const channels = Object.entries(loads).flatMap(([encoderId, carried]) =>
    Object.keys(carried).map((id) =>
      channelOn(channelWithDefaults(id), encoderId === 'none' ? null : encoderId, {
        movedAtMs: resting.includes(id) ? NOW_MS - 1 : null,
      }),
    ),
  );
  const swarm: SwarmSnapshot = withTelemetry({
    ...{ cell: 'local', atMs: NOW_MS, channels },
    encoders: ids.map((id) => encoderWith(id, { zone: 'a', ...encoders[id] })),
  });
  const needs = Object.fromEntries(
    Object.values(loads).flatMap((carried) =>
      Object.entries(carried).map(([id, units]) => [id, new Array<number>(6).fill(units)]),
    ),
  );
  const full = forecastOf(swarm, needs, forecast);
  const policy = { ...defaultPolicy, maxEncoders: 9 };
  return makePlan(swarm, full, fitnessOf(swarm, full, policy), policy, { lowDemandSinceMs: null });
};
const spread = { 'enc-1': { a: 2.6 }, 'enc-2': { b: 2.6 }, 'enc-3': { c: 2.6 } };

test('a channel off air that fits nowhere', () => {
  const { scale, unmet } = planOf({ loads: { ...spread, none: { d: 2.4 } } });
  expect(unmet).toMatchObject([{ channelId: 'd', isOffAir: true }]);
  expect(scale).toMatchObject({ kind: 'provision', count: 1 });
  expect(planOf({ loads: { ...spread, none: { d: 2.1 } } }).scale.kind).toBe('none');
});

test('a channel of an encoder that is being drained', () => {
  const loads = { ...spread, 'enc-4': { d: 2.4 } };
  const encoders = { 'enc-4': { draining: true } };
  const { scale, unmet } = planOf({ loads, encoders });
  expect(unmet).toMatchObject([{ channelId: 'd', encoderId: 'enc-4' }]);
  expect(scale).toMatchObject({ kind: 'provision', count: 1 });
});

test('an encoder that nothing relieves, unless it is what has just moved that does not', () => {
  const loads = { ...spread, 'enc-4': { d: 2.5, e: 2.5 } };
  const { scale, unmet } = planOf({ loads });
  expect(unmet).toMatchObject([{ encoderId: 'enc-4' }]);
  expect(unmet[0]!.why).toMatch(/no other encoder has room below its limit for what would relieve it$/);
  expect(scale).toMatchObject({ kind: 'provision', count: 1 });
  const resting = planOf({ loads, resting: ['d', 'e'] });
  expect(resting.unmet[0]!.why).toMatch(/are moving or rest after a move, and no others relieve it$/);
  expect(resting.scale.kind).toBe('none');
});

test('new encoders are not asked for where the region is congested, as long as there is another', () => {
  const curve = (load: number) => ({ p10: [load], p50: [load], p90: [load] });
  const zoneOfNext = (regionLoad?: CellForecast['regionLoad']): unknown => {
    const { scale } = planOf({
      loads: { 'enc-1': { a: 3 }, 'enc-2': {}, none: { b: LIMIT, c: LIMIT } },
      encoders: { 'enc-2': { zone: 'b', region: 'us' } },
      ...(regionLoad && { forecast: { regionLoad } }),
    });
    expect(scale.kind).toBe('provision');
    return JSON.stringify(scale);
  };
  expect(zoneOfNext({ eu: curve(0.99), us: curve(0.1) })).toMatch(
    /not in eu, whose CDN is forecast to be congested/,
  );
  expect(zoneOfNext({ eu: curve(0.1), us: curve(0.1) })).not.toMatch(/congested/);
});
