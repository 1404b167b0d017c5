import {
  BatchMatMul,
  Transpose,
  getKernel,
  registerKernel,
  unregisterKernel,
  type BatchMatMulAttrs,
  type KernelFunc,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/** What the wasm back end has beyond its published type. */
interface DisposesData {
  disposeData(dataId: TensorInfo['dataId']): void;
}

let done = false;

/**
 * The wasm back end multiplies fast (XNNPACK) only what needs no transposition; otherwise it takes a scalar loop, and
 * every gradient of a dense layer needs one. Registers a kernel that transposes first.
 * @see bench/forecast-backends.ts for what it is worth
 */
export const transposeBeforeMatMul = (): void => {
  if (done) return;
  const multiply = getKernel(BatchMatMul, 'wasm');
  const transpose = getKernel(Transpose, 'wasm');
  if (!multiply || !transpose) throw new Error('the wasm back end has no BatchMatMul or no Transpose');
  unregisterKernel(BatchMatMul, 'wasm');
  registerKernel({
    ...multiply,
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { transposeA, transposeB } = attrs as unknown as BatchMatMulAttrs;
      const made: TensorInfo[] = [];
      const turned = (x: TensorInfo, wanted: boolean): TensorInfo => {
        if (!wanted) return x;
        const rank = x.shape.length;
        const perm = x.shape.map((_, axis) => axis);
        [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
        const result = call(transpose.kernelFunc, { inputs: { x }, backend, attrs: { perm } });
        made.push(result);
        return result;
      };
      const product = call(multiply.kernelFunc, {
        inputs: { a: turned(inputs.a!, transposeA), b: turned(inputs.b!, transposeB) },
        backend,
        attrs: { transposeA: false, transposeB: false },
      });
      for (const { dataId } of made) (backend as DisposesData).disposeData(dataId);
      return product;
    },
  });
  done = true;
};

const call = (kernel: KernelFunc, options: Parameters<KernelFunc>[0]): TensorInfo =>
  kernel(options) as TensorInfo;
