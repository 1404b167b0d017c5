export { chooseTarget, type TargetAnswer, type TargetRequest } from './choose-target';
export { makePlan } from './make-plan';
export { createPlanner, type Planner, type PlannerMemory } from './planner';
export { regionOutlooks } from './regions';
export { deservedRungs } from './demand';
export { nextZones } from './zones';
export { thresholdRule } from './threshold-rule';
export { recoveryAttempts } from './recovery-attempts';
export { admissionOf, type Admission, type AdmissionRequest } from './admission';
