export { ReplicaGroup, type GroupOptions } from './group';
export { passOnToLeader } from './forward';
export { sharedRecordSchema, type SharedRecord } from './records';
export type { Replica, ReplicaChannel } from './replica';
export { replicaRoutes } from './routes';
