export { chooseTarget, type TargetAnswer, type TargetRequest } from './choose-target';
export { makePlan } from './make-plan';
