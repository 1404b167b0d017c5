import { parentPort, workerData } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import {
  QuantileNet,
  ScaledSeries,
  generatedSeries,
  netMember,
  beginTraining,
  planTraining,
  trainEpoch,
  trainable,
} from '../../src/forecast/net';
import type { BackEndName } from '../../src/models';
import { backEndLoaders, chooseBackEnd } from '../../src/models/back-ends';

/** What one thread is asked to measure. */
export interface BackEndRun {
  name: BackEndName;
  /** Leaves the wasm back end's own BatchMatMul in place. */
  ownMatMul: boolean;
  series: number;
  seed: number;
}

export interface BackEndFigures {
  /** Of the second epoch: the first one warms up. */
  epochMs: number;
  epochCpuMs: number;
  batchesPerEpoch: number;
  /** Of a whole retraining. */
  epochs: number;
  /** Loss of the second epoch, to compare the back ends' numbers. */
  loss: number;
  /** All series, 24 steps each; the best of three. */
  forecastMs: number;
  forecastCpuMs: number;
  why?: never;
}

const STEPS = 6 * 7 * 24;
const HORIZON_STEPS = 24;

const timed = async <T>(work: () => T | Promise<T>): Promise<{ result: T; ms: number; cpuMs: number }> => {
  const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { result, ms: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
};

const plainWasm = async (): Promise<void> => {
  await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
};

const measure = async ({ name, ownMatMul, series: count, seed }: BackEndRun): Promise<BackEndFigures> => {
  const loaders = ownMatMul ? { ...backEndLoaders, wasm: plainWasm } : backEndLoaders;
  await chooseBackEnd([name], loaders);
  const raw = generatedSeries({ count, steps: STEPS, horizonSteps: HORIZON_STEPS, seed });
  const series = trainable(raw.map((one) => new ScaledSeries(one)));
  const plan = planTraining(series, { seed, adapts: false });
  const first = await trainEpoch(series, plan, beginTraining(plan));
  const second = await timed(() => trainEpoch(series, plan, first.state));
  const net = new QuantileNet(second.result.state.weights);
  const member = netMember({ net, name: 'net' });
  const forecasts = [];
  for (let i = 0; i < 3; i++) forecasts.push(await timed(() => member.forecast(raw)));
  net.dispose();
  return {
    epochMs: second.ms,
    epochCpuMs: second.cpuMs,
    batchesPerEpoch: plan.batchesPerEpoch,
    epochs: plan.epochs,
    loss: second.result.loss,
    forecastMs: Math.min(...forecasts.map((f) => f.ms)),
    forecastCpuMs: Math.min(...forecasts.map((f) => f.cpuMs)),
  };
};

measure(workerData as BackEndRun).then(
  (figures) => parentPort?.postMessage(figures),
  (error: Error) => parentPort?.postMessage({ why: error.message }),
);
