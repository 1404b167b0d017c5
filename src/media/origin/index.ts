export { defaultOriginLimits, startOrigin, type OriginLimits, type OriginOptions } from './start';
