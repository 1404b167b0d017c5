import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { BACK_ENDS, type BackEndName } from '../../src/contracts/model-manifest';
import { backEndLoaders, chooseBackEnd, loadBackEnd } from '../../src/models/back-ends';

const failing = (message: string) => () => Promise.reject(new Error(message));
const choose = (loaders: Partial<typeof backEndLoaders>) =>
  chooseBackEnd(BACK_ENDS, { ...backEndLoaders, ...loaders });

test('an error of any kind moves one back end down, and its cause is kept', async () => {
  const chosen = await choose({
    'tfjs-node': failing('libtensorflow.so.2: cannot open shared object file\nRequire stack: ...'),
    wasm: () => {
      throw new TypeError('no SIMD');
    },
  });
  expect(chosen).toEqual({
    name: 'cpu',
    passedOver: [
      { name: 'tfjs-node', why: 'libtensorflow.so.2: cannot open shared object file' },
      { name: 'wasm', why: 'no SIMD' },
    ],
  });
  expect(tf.getBackend()).toBe('cpu');
});

test('a back end that loads but can not compute is passed over', async () => {
  tf.registerBackend('broken', () => ({ dispose: () => undefined }) as never, 0);
  const chosen = await choose({ 'tfjs-node': async () => void (await tf.setBackend('broken')) });
  expect(chosen.name).toBe('wasm');
  expect(chosen.passedOver[0]).toMatchObject({ name: 'tfjs-node', why: expect.stringMatching(/./) });
  tf.removeBackend('broken');
});

test('where none loads, the refusal names every cause', async () => {
  const none = failing('gone');
  await expect(choose({ 'tfjs-node': none, wasm: none, cpu: none })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/tfjs-node: gone; wasm: gone; cpu: gone/),
  });
});

test('the packages of this machine give a back end that works, asked for once', async () => {
  const chosen = await loadBackEnd();
  const expected: BackEndName[] = ['tfjs-node', 'wasm'];
  expect(expected).toContain(chosen.name);
  expect(await loadBackEnd(['cpu'])).toBe(chosen);
});

test('functions of util that Node 23 dropped are there before tfjs-node loads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'swarm-tfjs-'));
  const util = createRequire(__filename)('node:util') as Record<string, unknown>;
  const { isNullOrUndefined } = util;
  delete util.isNullOrUndefined;
  process.env.SWARM_TFJS_NODE = folder;
  try {
    await writeFile(
      join(folder, 'index.js'),
      `throw new Error('util.isNullOrUndefined(null) is ' + require('util').isNullOrUndefined(null))`,
    );
    const { passedOver } = await choose({});
    expect(passedOver[0]?.why).toBe('util.isNullOrUndefined(null) is true');
  } finally {
    util.isNullOrUndefined = isNullOrUndefined;
    delete process.env.SWARM_TFJS_NODE;
    await rm(folder, { recursive: true });
  }
});

test.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])('wasm multiplies as cpu does, transposed %p and %p', async (transposeA, transposeB) => {
  const [rows, inner, columns] = [5, 70, 3];
  const values = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i));
  const product = async (name: BackEndName) => {
    await backEndLoaders[name]();
    const before = tf.memory().numTensors;
    const result = tf.tidy(() =>
      tf
        .matMul(
          tf.tensor2d(values(rows * inner), transposeA ? [inner, rows] : [rows, inner]),
          tf.tensor2d(values(inner * columns), transposeB ? [columns, inner] : [inner, columns]),
          transposeA,
          transposeB,
        )
        .dataSync(),
    );
    expect(tf.memory().numTensors).toBe(before);
    return result;
  };
  const [onWasm, onCpu] = [await product('wasm'), await product('cpu')];
  onCpu.forEach((value, i) => expect(onWasm[i]).toBeCloseTo(value, 4));
});
