import type { Environment } from '../config/config';
import { originUrlsOf } from '../config/shared-origins';
import { relayUrlsOf, relaysOf } from '../config/shared-relays';
import { encoderClientFor, type EncoderClient } from '../contracts/encoder/client';
import { readStorageReports, type ReplicatedPart, type StorageReport } from '../contracts/health';
import { OriginClient } from '../contracts/origin';
import { RelayClient } from '../contracts/relay';
import { SourceClient } from '../contracts/source';
import { createFleetProvider } from '../fleet/create-provider';
import type { FleetProvider } from '../fleet/provider';
import { connectableHost, hostAndPort } from '../platform/addresses';
import { linkScheme } from '../platform/links/link-tls';

/** How an encoder host is looked at. */
export type EncoderLooks = Pick<EncoderClient, 'describe' | 'telemetry'>;

/** The calls by which the parts of a cell are looked at. */
export interface PartClients<Encoder extends EncoderLooks = EncoderLooks> {
  origin: Pick<OriginClient, 'channels' | 'channel' | 'ledger' | 'audience'>;
  relay: Pick<RelayClient, 'channels' | 'channel' | 'splice'>;
  source: Pick<SourceClient, 'channels' | 'keepSecretsOf' | 'switchInput' | 'cancelSwitches'>;
  fleet: Pick<FleetProvider, 'list'>;
  encoderAt(grpcAddress: string): Encoder;
  /** Whether parts can write what they must keep; one that does not answer is left out. */
  storage(options: { timeoutMs: number }): Promise<StorageReport[]>;
}

/** Real clients of all parts, with all of their calls. */
export interface RealPartClients extends PartClients<EncoderClient> {
  origin: OriginClient;
  relay: RelayClient;
  source: SourceClient;
  fleet: FleetProvider;
}

/** Where each origin is reached, by the name under which it is told of; one that is alone is `origin`. */
const originsByName = ({ SWARM_ORIGIN_URL, SWARM_ORIGIN_PEERS }: Environment): Record<string, string> =>
  SWARM_ORIGIN_PEERS.length > 1
    ? Object.fromEntries(SWARM_ORIGIN_PEERS.map(({ name, url }) => [name, url]))
    : { origin: SWARM_ORIGIN_URL };

/** What each is, where there are several. */
const replicasAmong = (
  urlOfName: Record<string, string>,
  part: ReplicatedPart,
): Record<string, ReplicatedPart> => {
  const names = Object.keys(urlOfName);
  return Object.fromEntries(names.length > 1 ? names.map((name) => [name, part]) : []);
};

/** Clients of the parts that this environment names: one of each in a process. Nothing is connected before it is needed. */
export const createPartClients = (environment: Environment): RealPartClients => {
  const { SWARM_SOURCE_URL: source } = environment;
  const relays = Object.fromEntries(relaysOf(environment).map(({ name, url }) => [name, url]));
  const origins = originsByName(environment);
  const replicas = { ...replicasAmong(relays, 'relay'), ...replicasAmong(origins, 'origin') };
  // Where parts run on machines of their own, these two do not answer here, and are left out.
  const here = (port: number): string =>
    `${linkScheme()}://${hostAndPort(connectableHost(environment.SWARM_HOST), port)}`;
  const collector = here(environment.SWARM_COLLECTOR_PORT);
  const worker = here(environment.SWARM_WORKER_PORT);
  return {
    origin: new OriginClient(originUrlsOf(environment)),
    relay: new RelayClient(relayUrlsOf(environment)),
    source: new SourceClient(source),
    fleet: createFleetProvider(environment),
    encoderAt: encoderClientFor,
    storage: (options) =>
      readStorageReports({ source, ...relays, ...origins, collector, worker }, { ...options, replicas }),
  };
};
