import * as tf from '@tensorflow/tfjs-core';
import {
  DAYS_BEFORE_ORIGIN,
  QuantileNet,
  ScaledSeries,
  forecastOrigins,
  generatedSeries,
  heldBackFrom,
  heldBackWindows,
  netMember,
  scoreWindows,
} from '../../src/forecast/net';
import { FEATURE_COUNT, writeFeatures } from '../../src/forecast/net/features';
import {
  beginTraining,
  planTraining,
  trainEpoch,
  trainable,
  type TrainingPlan,
  type TrainingState,
} from '../../src/forecast/net/training';
import { loadBackEnd } from '../../src/models/back-ends';

beforeAll(async () => {
  await loadBackEnd();
});

const seasonal = (count = 6, seed = 3): ScaledSeries[] =>
  generatedSeries({ count, steps: 24 * 21, horizonSteps: 12, seed }).map((one) => new ScaledSeries(one));
const quick: TrainingPlan = { seed: 5, epochs: 3, batchesPerEpoch: 5, batchSize: 64, learningRate: 2e-3 };

const trainOn = async (series: ScaledSeries[], plan: TrainingPlan): Promise<TrainingState> => {
  let state = beginTraining(plan);
  while (state.epochsDone < plan.epochs) ({ state } = await trainEpoch(series, plan, state));
  return state;
};

test('trained on seasonal series, it beats the day-seasonal naive on days it has not seen, and covers them', async () => {
  const series = seasonal(20);
  const shown = trainable(series.map((one) => one.before(heldBackFrom(one))));
  const plan = { ...planTraining(shown, { seed: 1, adapts: false }), epochs: 4, batchesPerEpoch: 60 };
  const net = new QuantileNet((await trainOn(shown, plan)).weights);
  const windows = heldBackWindows(series);
  const score = scoreWindows(windows, forecastOrigins(net, windows));
  net.dispose();
  expect(windows).toHaveLength(20 * 4);
  expect(score.pinball).toBeLessThan(0.6);
  expect(score.cover80).toBeGreaterThan(0.6);
});

test('the same seed gives the same bits, also where another process went on from a checkpoint', async () => {
  const series = seasonal();
  const once = await trainOn(series, quick);
  let state = beginTraining(quick);
  while (state.epochsDone < quick.epochs) {
    ({ state } = await trainEpoch(series, quick, structuredClone(state)));
  }
  expect(state.weights).toEqual(once.weights);
  const other = await trainOn(series, { ...quick, seed: 6 });
  expect(other.weights).not.toEqual(once.weights);
});

test('neither training nor forecasting leaves a tensor behind', async () => {
  const series = seasonal(2);
  const before = tf.memory().numTensors;
  const state = await trainOn(series, { ...quick, epochs: 2, batchesPerEpoch: 3 });
  const net = new QuantileNet(state.weights);
  const opened = tf.memory().numTensors;
  netMember({ net, name: 'net' }).forecast(series.map((one) => one.source));
  expect(tf.memory().numTensors).toBe(opened);
  net.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('features read nothing of what is to come, but for known events', () => {
  const [series] = generatedSeries({ count: 1, steps: 24 * 21, horizonSteps: 30, seed: 4, withEvents: 1 });
  const origin = 24 * 15;
  const featuresOf = (history: readonly (number | null)[], ahead: number): Float32Array => {
    const scaled = new ScaledSeries({ ...series!, history });
    const out = new Float32Array(FEATURE_COUNT + 1).fill(-99);
    const { level, ...rest } = scaled.scaleAt(origin);
    writeFeatures(scaled, origin, ahead, { level, ...rest }, out, 0);
    return out;
  };
  for (const ahead of [0, 1, 23, 24, 29]) {
    const past = featuresOf(series!.history.slice(0, origin), ahead);
    const wild = series!.history.map((value, i) => (i < origin ? value : null));
    const masked = featuresOf(wild, ahead);
    // The offset of the logarithm is a mean over the history given: holes after the origin only fill it up.
    masked.forEach((value, i) => expect(value).toBeCloseTo(past[i]!, 1));
    expect(past[FEATURE_COUNT]).toBe(-99);
    expect(past.subarray(0, FEATURE_COUNT)).not.toContain(-99);
  }
});

test('whatever the history, curves are finite, ordered and not negative, or null', () => {
  const net = new QuantileNet(beginTraining(quick).weights);
  const days = 24 * 10;
  const usual = Array.from({ length: days }, (_, i) => 100 + 50 * Math.sin((2 * Math.PI * i) / 24));
  const histories: Record<string, (number | null)[]> = {
    usual,
    constant: usual.map(() => 7),
    zeros: usual.map(() => 0),
    spike: usual.map((v, i) => (i === 200 ? v * 100 : v)),
    holes: usual.map((v, i) => (i % 3 === 0 ? null : v)),
    notNumbers: usual.map((v, i) => (i % 5 === 0 ? NaN : i % 7 === 0 ? Infinity : v)),
    negative: usual.map((v) => -v),
    huge: usual.map((v) => v * 1e10),
    tiny: usual.map((v) => v * 1e-9),
    aDay: usual.slice(0, 24),
    empty: [],
  };
  const names = Object.keys(histories);
  const curves = netMember({ net, name: 'net' }).forecast(
    names.map((id) => ({ id, stepSeconds: 3600, startMs: 0, history: histories[id]!, horizonSteps: 30 })),
  );
  net.dispose();
  const silent = names.filter((_, i) => curves[i] === null);
  expect(silent).toEqual(['zeros', 'negative', 'aDay', 'empty']);
  for (const curve of curves) {
    if (!curve) continue;
    expect(curve.p50).toHaveLength(30);
    curve.p50.forEach((p50, i) => {
      expect(curve.p10[i]).toBeGreaterThanOrEqual(0);
      expect(curve.p10[i]).toBeLessThanOrEqual(p50);
      expect(p50).toBeLessThanOrEqual(curve.p90[i]!);
      expect(Number.isFinite(curve.p90[i])).toBe(true);
    });
  }
});

test('what a net has learned from is hindcast by the one that has not', () => {
  const [own, other] = [1, 2].map((seed) => new QuantileNet(beginTraining({ ...quick, seed }).weights));
  const [one] = seasonal(1);
  const { startMs, stepSeconds } = one!.source;
  const untilMs = startMs + 200 * stepSeconds * 1000;
  const origins = [100, 250, 199, 200];
  const by = (net: QuantileNet) => netMember({ net, name: 'net' }).hindcast!(one!.source, origins)!;
  const mixed = netMember({ net: own!, name: 'net', unseen: { untilMs, net: other! } });
  const [ofOwn, ofOther] = [by(own!), by(other!)];
  expect(mixed.hindcast!(one!.source, origins)).toEqual([ofOther[0], ofOwn[1], ofOther[2], ofOwn[3]]);
  expect(mixed.forecast([one!.source])).toEqual(
    netMember({ net: own!, name: 'net' }).forecast([one!.source]),
  );
  expect(ofOwn).not.toEqual(ofOther);
  own!.dispose();
  other!.dispose();
});

test('what is held back leaves at least two days to learn from, and fills whole windows', () => {
  const [one] = seasonal(1);
  const from = heldBackFrom(one!);
  expect(one!.length - from).toBe(48);
  expect(from).toBeGreaterThan(DAYS_BEFORE_ORIGIN * 24);
  expect(heldBackWindows([one!]).map((w) => w.origin)).toEqual([from, from + 12, from + 24, from + 36]);
});
