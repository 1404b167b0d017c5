export { canTakeOver, seamWordOf, type RunningVersion, type TakeOver } from './take-over';
export { compatibilityClassOf, differencesBetween, seamSignature } from './compatibility-class';
export { heldBackReason, isAdrift, isIdle, planUpdates, type TargetBuild } from './drift';
