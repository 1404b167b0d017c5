import { channelWithDefaults, unitsForAudience, type EncodingObservation } from '../../src/domain';
import { learnSessionCost, NOMINAL_COST, unitsForViewers } from '../../src/forecast';
import { seeded } from './support/seeded';

const SEED = 5;
const LADDERS = [1, 1.64, 3.415];

/** 60 minutes of each channel on one of two encoders, with 10 % noise and, every 20th minute, a wild value. */
const history = (
  complexityOf: (channel: number) => number,
  options: { channels?: number; costOf?: (complexity: number) => number; encoderFactor?: number } = {},
): EncodingObservation[] => {
  const random = seeded(SEED);
  return Array.from({ length: options.channels ?? 8 }, (_, channel) =>
    Array.from({ length: 60 }, (__, minute): EncodingObservation => {
      const units = LADDERS[(channel + Math.floor(minute / 20)) % 3]!;
      const complexity = complexityOf(channel);
      const cost = (options.costOf ?? ((c) => c))(complexity);
      const encoder = channel % 2;
      const wild = minute % 20 === 7 ? 5 : 1;
      return {
        channelId: `ch-${channel}`,
        encoderId: `enc-${encoder}`,
        units,
        cpuCores:
          (0.03 + 0.04 * units * cost) *
          (encoder === 1 ? (options.encoderFactor ?? 1) : 1) *
          (1 + 0.1 * random.normal()) *
          wild,
        bitsPerPixel: 0.1 * complexity * (1 + 0.05 * random.normal()),
      };
    }),
  ).flat();
};

test(`finds what a session and a unit cost, wild values aside (seed ${SEED})`, () => {
  const cost = learnSessionCost(history(() => 1));
  expect(Math.abs(cost.coresPerSession - 0.03)).toBeLessThan(0.008);
  expect(Math.abs(cost.coresPerUnit - 0.04)).toBeLessThan(0.005);
});

test('channels that differ by noise alone cost just their nominal units', () => {
  for (const factor of Object.values(learnSessionCost(history(() => 1)).factors)) {
    expect(Math.abs(factor - 1)).toBeLessThan(0.03);
  }
});

test('complex content costs more, simple less, in proportion', () => {
  const complexity = [0.5, 0.7, 0.9, 1, 1, 1.1, 1.4, 2];
  const cost = learnSessionCost(history((channel) => complexity[channel]!));
  expect(cost.complexityExponent).toBeGreaterThan(0.3);
  const factors = complexity.map((_, channel) => cost.factors[`ch-${channel}`]!);
  expect(factors[0]).toBeLessThan(0.8);
  expect(factors[7]).toBeGreaterThan(1.3);
  expect([...factors].sort((a, b) => a - b)).toEqual(factors);
});

test('one channel that costs more than its complexity tells is known by itself', () => {
  const cost = learnSessionCost(
    history((channel) => (channel === 3 ? 1.0001 : 1), { costOf: (c) => (c > 1 ? 1.8 : 1) }),
  );
  expect(cost.factors['ch-3']).toBeGreaterThan(1.25);
  expect(Math.abs(cost.factors['ch-2']! - 1)).toBeLessThan(0.05);
});

test('an encoder that is slower as a whole does not make its channels dearer', () => {
  const cost = learnSessionCost(history(() => 1, { encoderFactor: 1.5 }));
  // A quarter of the difference stays: with four channels it can't be told from theirs for certain.
  for (const factor of Object.values(cost.factors)) expect(Math.abs(factor - 1)).toBeLessThan(0.12);
});

test('too little history, or none that makes sense: nominal units', () => {
  const spec = channelWithDefaults('ch-0');
  const few = history(() => 1, { channels: 2 });
  expect(learnSessionCost([])).toBe(NOMINAL_COST);
  expect(learnSessionCost(few)).toBe(NOMINAL_COST);
  expect(learnSessionCost(history(() => 1).map((observation) => ({ ...observation, cpuCores: NaN })))).toBe(
    NOMINAL_COST,
  );
  for (const viewers of [0, 1_500, 5_000]) {
    expect(unitsForViewers(spec, viewers, NOMINAL_COST)).toBe(unitsForAudience(spec, viewers));
  }
});

test('units follow ladder choice times content cost, within a factor of two', () => {
  const spec = channelWithDefaults('ch-0');
  const cost = learnSessionCost(history((channel) => (channel === 0 ? 30 : 1)));
  expect(cost.factors['ch-0']).toBe(2);
  expect(unitsForViewers(spec, 1_500, cost)).toBeCloseTo(2 * 1.64);
});
