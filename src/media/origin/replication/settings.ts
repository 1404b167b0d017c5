import type { ReplicaClient } from '../../../contracts/origin-replica';

/** Another origin of the swarm. */
export interface Peer {
  name: string;
  client: ReplicaClient;
}
