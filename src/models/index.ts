export type { BackEndInUse, BackEndName } from './back-end-names';
export { backEndInUseSchema, manifestSchema, type Manifest } from './manifest';
export { ModelHolder } from './model-holder';
export { ModelStore, type DamagedModel, type StoredModel } from './model-store';
export { runInThread, type ThreadProgram } from './run-in-thread';
export { TrainingFiles, removeOtherRuns, type Dataset } from './training-files';
export type { Evaluation, StartingPoint, TrainingProgress, TrainingResult } from './training-task';
export { loadShippedMember } from './shipped-member';
