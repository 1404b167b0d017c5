import { join } from 'node:path';
import { loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Versions of the contract, the newest first. */
export const CONTRACT_VERSIONS = [2, 1] as const;
export type ContractVersion = (typeof CONTRACT_VERSIONS)[number];

/** Full names of the service, as health checks know it. */
export const ENCODER_SERVICES: Readonly<Record<ContractVersion, string>> = {
  2: 'encoderswarm.v2.Encoder',
  1: 'encoderswarm.v1.Encoder',
};

/** The same way up from the source and from its compiled copy: the build copies `protos` beside `src`. */
const PROTOS = join(__dirname, '..', '..', '..', 'protos');
const PATHS: Readonly<Record<ContractVersion, string>> = {
  2: join(PROTOS, 'encoder.proto'),
  1: join(PROTOS, 'v1', 'encoder.proto'),
};

type EncoderConstructor = ServiceClientConstructor & { service: ServiceDefinition };
type Loaded = Record<'encoderswarm', Record<`v${ContractVersion}`, { Encoder: EncoderConstructor }>>;

const loaded = new Map<ContractVersion, EncoderConstructor>();

/** The encoder service of a version: a client class and, in `service`, what a server implements. */
export const encoderContract = (version: ContractVersion): EncoderConstructor => {
  const known = loaded.get(version);
  if (known) return known;
  const definition = loadSync(PATHS[version], {
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
  });
  const root = loadPackageDefinition(definition) as unknown as Loaded;
  const { Encoder } = root.encoderswarm[`v${version}`];
  loaded.set(version, Encoder);
  return Encoder;
};
