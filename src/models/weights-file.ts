import { createHash } from 'node:crypto';
import { SwarmError } from '../domain';
import { WEIGHT_SHAPES, type Weights } from '../forecast/net/architecture';

const BYTES_PER_WEIGHT = 4;
const sizes = WEIGHT_SHAPES.map((shape) => shape.reduce((product, n) => product * n, 1));

/** Little-endian float32, the arrays of WEIGHT_SHAPES one after another. */
export const packWeights = (weights: Weights): Buffer => {
  const packed = Buffer.alloc(BYTES_PER_WEIGHT * weights.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of weights) for (const value of array) at = packed.writeFloatLE(value, at);
  return packed;
};

/**
 * The reverse, for one or more sets of weights one after another.
 * @throws SwarmError bad-request where the number of bytes is not a multiple of one set's
 */
export const unpackWeights = (packed: Buffer): Weights => {
  const perSet = BYTES_PER_WEIGHT * sizes.reduce((sum, size) => sum + size, 0);
  if (packed.length % perSet !== 0) {
    throw new SwarmError('bad-request', `Weights of ${packed.length} bytes are no multiple of ${perSet}.`);
  }
  let at = 0;
  return Array.from({ length: packed.length / perSet }, () => sizes)
    .flat()
    .map((size) =>
      Float32Array.from({ length: size }, () => {
        const value = packed.readFloatLE(at);
        at += BYTES_PER_WEIGHT;
        return value;
      }),
    );
};

export const sha256 = (content: Buffer | string): string =>
  createHash('sha256').update(content).digest('hex');
