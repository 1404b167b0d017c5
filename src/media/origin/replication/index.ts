export { ReplicaGroup, type GroupOptions } from './group';
export { LeadLost } from './quorum';
export { sharedRecordSchema, type SharedRecord } from './records';
export type { Replica } from './replica';
export { replicaRoutes } from './routes';
