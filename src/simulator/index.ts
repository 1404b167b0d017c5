export { readHistory, type SwarmHistory } from './history-world';
export type { Measures } from './measures';
export {
  defaultSimulation,
  POLICY_NAMES,
  simulate,
  type PolicyName,
  type SimulationOptions,
  type SimulationResult,
} from './simulate';
export { readTraces, type Trace } from './trace-files';
export { worldOfTraces } from './trace-world';
export { normalOf } from './chance';
export { simulationLines } from './simulation-lines';
