export { canTakeOver, seamWordOf, type RunningVersion, type TakeOver } from './take-over';
export { compatibilityClassOf, differencesBetween, seamSignature } from './compatibility-class';
export { heldBackReason, isAdrift, isIdle, planUpdates, type TargetBuild } from './drift';
export { addComparison, ssimToDb } from './compare';
export { readingOf, type ChannelMoment } from './build-readings';
export { judgeBuild } from './verdict';
export { planRollout, type RolloutPlan } from './rollout-plan';
export { installedBuildOf } from './installed-build';
export { changesSince, type SeenOwners, wasLost } from './losses';
