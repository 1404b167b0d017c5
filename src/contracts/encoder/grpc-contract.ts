import { join } from 'node:path';
import { loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Full name of the service, as health checks know it. */
export const ENCODER_SERVICE = 'encoderswarm.v1.Encoder';

/** The same way up from the source and from its compiled copy: the build copies `protos` beside `src`. */
const PROTO_PATH = join(__dirname, '..', '..', '..', 'protos', 'encoder.proto');

type EncoderConstructor = ServiceClientConstructor & { service: ServiceDefinition };

let loaded: EncoderConstructor | undefined;

/** The encoder service of protos/encoder.proto: a client class and, in `service`, what a server implements. */
export const encoderContract = (): EncoderConstructor => {
  if (loaded) return loaded;
  const definition = loadSync(PROTO_PATH, {
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
  });
  const root = loadPackageDefinition(definition) as unknown as {
    encoderswarm: { v1: { Encoder: EncoderConstructor } };
  };
  loaded = root.encoderswarm.v1.Encoder;
  return loaded;
};
