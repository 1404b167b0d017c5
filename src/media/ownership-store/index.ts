export { EmbeddedOwnershipStore, recordFile } from './embedded';
export { EtcdOwnershipStore } from './etcd';
export { EtcdGateway } from './etcd-gateway';
export type { Held, OwnershipStore } from './store';
