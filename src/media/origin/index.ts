export { defaultOriginLimits, startOrigin, type OriginLimits, type OriginOptions } from './start';
export { declareGap, newOwnership, own, type OwnershipState } from './ownership';
