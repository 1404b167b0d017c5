import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { BACK_ENDS, type BackEndInUse, type BackEndName } from '../contracts/model-manifest';
import { SwarmError } from '../domain';
import { transposeBeforeMatMul } from './wasm-matmul';

/** Makes one back end the one in use; any error means that it can't be. */
export type BackEndLoaders = Readonly<Record<BackEndName, () => Promise<void>>>;

/** Node 23 dropped functions of `util` that tfjs-node 4.22.0 still calls. */
const restoreUtilFunctions = (): void => {
  const util = createRequire(__filename)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  util.isArray ??= Array.isArray;
};

/** Without it TensorFlow.js prints advertisements, and checks what our own tests check. */
tf.enableProdMode();

const activate = async (name: string): Promise<void> => {
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not start its ${name} back end`);
  await tf.ready();
};

/** An addition proves more than a loaded library: a back end may load and then lack the processor's instructions. */
const proveItComputes = (): void => {
  const sum = tf.tidy(() => tf.add(tf.tensor1d([1, 2]), tf.tensor1d([3, 4])).dataSync());
  if (sum[0] !== 4 || sum[1] !== 6) throw new Error(`it computes 1 + 3 = ${sum[0]}, 2 + 4 = ${sum[1]}`);
};

const tfjsNodePackage = (): string => process.env.SWARM_TFJS_NODE || '@tensorflow/tfjs-node';

/** The real ones. SWARM_TFJS_NODE may name a folder with a tfjs-node that was built apart. */
export const backEndLoaders: BackEndLoaders = {
  'tfjs-node': async () => {
    restoreUtilFunctions();
    // Its notes about the processor would stand between the lines of a log.
    process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
    await import(tfjsNodePackage());
    await activate('tensorflow');
  },
  wasm: async () => {
    await import('@tensorflow/tfjs-backend-wasm');
    await activate('wasm');
    transposeBeforeMatMul();
  },
  cpu: async () => {
    await import('@tensorflow/tfjs-backend-cpu');
    await activate('cpu');
  },
};

let inUse: Promise<BackEndInUse> | null = null;

/** As `loadBackEnd`, each time from the beginning. */
export const chooseBackEnd = async (
  names: readonly BackEndName[],
  loaders: BackEndLoaders,
): Promise<BackEndInUse> => {
  const passedOver: BackEndInUse['passedOver'] = [];
  for (const name of names) {
    try {
      await loaders[name]();
      proveItComputes();
      return { name, passedOver };
    } catch (error) {
      const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
      passedOver.push({ name, why });
    }
  }
  throw new SwarmError(
    'unavailable',
    `No back end of TensorFlow.js loads: ${passedOver.map(({ name, why }) => `${name}: ${why}`).join('; ')}.`,
    'Run npm ci again; forecasts go on without the net meanwhile.',
  );
};

/**
 * Loads the first back end that works, once a process (or thread); later calls get the same answer.
 * @param names those to try, in order; by default all, the fastest first
 * @throws SwarmError unavailable where none loads, with the cause of each; the next call tries again
 */
export const loadBackEnd = (
  names: readonly BackEndName[] = BACK_ENDS,
  loaders: BackEndLoaders = backEndLoaders,
): Promise<BackEndInUse> => {
  inUse ??= chooseBackEnd(names, loaders).catch((error: unknown) => {
    inUse = null;
    throw error;
  });
  return inUse;
};
