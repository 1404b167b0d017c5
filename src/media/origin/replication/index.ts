export { REFRESH_WITHIN_MS, ReplicaGroup, type GroupOptions } from './group';
export { passOnToLeader } from './forward';
export { sharedRecordSchema, type SharedRecord } from './records';
export type { Replica } from './replica';
export { replicaRoutes } from './routes';
export type { ReplicaChannel } from './settings';
