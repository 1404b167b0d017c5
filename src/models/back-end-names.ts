/** TensorFlow.js back ends, the fastest first. */
export const BACK_ENDS = ['tfjs-node', 'wasm', 'cpu'] as const;
export type BackEndName = (typeof BACK_ENDS)[number];

/** Which back end is in use, and why those before it are not. */
export interface BackEndInUse {
  name: BackEndName;
  passedOver: { name: BackEndName; why: string }[];
}
