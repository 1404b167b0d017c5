import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type {
  WireDescription,
  WirePreparedSession,
  WireSession,
  WireTelemetry,
} from '../../contracts/encoder/answers';
import {
  CONTRACT_VERSIONS,
  ENCODER_SERVICES,
  encoderContract,
  type ContractVersion,
} from '../../contracts/encoder/grpc-contract';
import { toServiceError } from '../../contracts/encoder/grpc-errors';
import { SwarmError } from '../../domain';
import { connectableHost, hostAndPort } from '../../platform/addresses';
import { LimitedLog } from '../../platform/limited-log';
import type { Logger } from '../../platform/logger';

/** Calls under way at a stop may take this long to end. */
const SHUTDOWN_MS = 500;

type Answers<M> = (request: unknown) => M | Promise<M>;

/** The calls of protos/encoder.proto; each checks its request and answers a message, or throws SwarmError to refuse. */
export interface EncoderMethods {
  describe: Answers<WireDescription>;
  getTelemetry: Answers<WireTelemetry>;
  prepareSession: Answers<WirePreparedSession>;
  getSession: Answers<WireSession>;
  commitSession: Answers<WireSession>;
  releaseSession: Answers<WireSession>;
}

export interface EncoderServer {
  port: number;
  address: string;
  /** Its health says from now on that it does not serve. */
  stopServing(): void;
  close(): Promise<void>;
}

/**
 * Serves protos/encoder.proto and grpc.health.v1.Health on one port; 0 picks a free one. The same methods answer all
 * versions of the contract: what an older one lacks is left out of its answers, and absent from its requests.
 * @param options.versions of the contract that it serves; default: all
 * @throws SwarmError unavailable when the port is taken
 */
export const serveEncoder = async (
  methods: EncoderMethods,
  options: { host: string; port: number; log: Logger; versions?: readonly ContractVersion[] },
): Promise<EncoderServer> => {
  const server = new Server();
  const versions = options.versions ?? CONTRACT_VERSIONS;
  const implementation = implementationOf(methods, options.log);
  for (const version of versions) server.addService(encoderContract(version).service, implementation);
  const names = ['', ...versions.map((version) => ENCODER_SERVICES[version])];
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'SERVING' as const])),
  );
  health.addToServer(server);
  const port = await bind(server, options.host, options.port);
  return {
    port,
    address: hostAndPort(connectableHost(options.host), port),
    stopServing() {
      for (const name of names) health.setStatus(name, 'NOT_SERVING');
    },
    close: () => shutDown(server),
  };
};

/** gRPC handlers that answer with what a method returns, and with a refusal for what it throws. */
const implementationOf = (methods: EncoderMethods, log: Logger): UntypedServiceImplementation => {
  const unexpected = new LimitedLog(log);
  const handler =
    (name: string, method: (request: unknown) => unknown) =>
    (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
      new Promise((resolve) => resolve(method(call.request))).then(
        (answer) => callback(null, answer),
        (error: unknown) => {
          if (!(error instanceof SwarmError))
            unexpected.write('error', name, { err: error, name }, 'unexpected error');
          const refusal =
            error instanceof SwarmError
              ? error
              : new SwarmError('internal', 'Unexpected error; see the log of this encoder.');
          callback(toServiceError(refusal));
        },
      );
    };
  return Object.fromEntries(
    Object.entries(methods).map(([name, method]: [string, Answers<unknown>]) => [
      name,
      handler(name, method),
    ]),
  );
};

const bind = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(hostAndPort(host, port), ServerCredentials.createInsecure(), (error, bound) => {
      if (!error) resolve(bound);
      else {
        reject(
          new SwarmError(
            'unavailable',
            `Can't listen on ${hostAndPort(host, port)}: ${error.message}.`,
            'Stop what uses the port, or set another one.',
          ),
        );
      }
    });
  });

/** Health watchers never end by themselves: after a moment the connections are cut. */
const shutDown = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const limit = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, SHUTDOWN_MS);
    server.tryShutdown(() => {
      clearTimeout(limit);
      resolve();
    });
  });
