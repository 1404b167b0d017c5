export { canTakeOver, seamWordOf, type RunningVersion, type TakeOver } from './take-over';
export { compatibilityClassOf, differencesBetween, seamSignature } from './compatibility-class';
