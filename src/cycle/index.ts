export { fitnessIn } from './fitness';
export { decide, forPlanning, type Decision, type DecisionInput } from './decide';
export { RECORDED_AT_MOST, forRecord, type Omitted } from './record-limits';
