export { canTakeOver, type RunningVersion, type TakeOver } from './take-over';
