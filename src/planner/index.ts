export { chooseTarget, type TargetAnswer, type TargetRequest } from './choose-target';
export { makePlan } from './make-plan';
export { createPlanner, type Planner, type PlannerMemory } from './planner';
export { regionOutlooks } from './regions';
