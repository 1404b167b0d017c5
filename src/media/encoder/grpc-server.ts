import {
  ResponderBuilder,
  Server,
  ServerInterceptingCall,
  ServerListenerBuilder,
  type ServerInterceptor,
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
import { SwarmError, mayUse } from '../../domain';
import { connectableHost, hostAndPort } from '../../platform/addresses';
import { notKnown, type Gate } from '../../platform/gate';
import { LimitedLog } from '../../platform/limited-log';
import { serverCredentials } from '../../platform/links/grpc';
import { isEncrypted } from '../../platform/links/server';
import type { Logger } from '../../platform/logger';
import { partGate, requireGuarded } from '../../platform/own-identity';

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
 * @param options.gate tells who asks; default: that of this process
 * @throws SwarmError unavailable when the port is taken; bad-request where other machines would reach it and nobody is
 *   asked who he is, or links are not encrypted
 */
export const serveEncoder = async (
  methods: EncoderMethods,
  options: {
    host: string;
    port: number;
    log: Logger;
    versions?: readonly ContractVersion[];
    gate?: Gate | undefined;
  },
): Promise<EncoderServer> => {
  const { gate = partGate() } = options;
  const isOpen = requireGuarded(options.host, { gate, isEncrypted: isEncrypted('parts') });
  if (isOpen) {
    options.log.warn(
      { host: options.host },
      'other machines reach this in plain: tokens can be read on the way',
    );
  }
  const server = new Server({ interceptors: gate ? [partsOnly(gate, options.log)] : [] });
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

/** Every call, of the health service too, must be that of a part of this swarm: the guard of gRPC. */
const partsOnly = (gate: Gate, log: Logger): ServerInterceptor => {
  const refusals = new LimitedLog(log);
  const admit = async (authorization: string | undefined): Promise<void> => {
    const caller = await gate.identify({ authorization });
    if (caller && mayUse('part', caller)) return;
    throw notKnown(
      'Only parts of this swarm may ask an encoder host, and no token was shown.',
      'See SWARM_PART_TOKEN_FILE.',
    );
  };
  return (method, call) => {
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const shown = metadata.get('authorization')[0];
        admit(typeof shown === 'string' ? shown : undefined).then(
          () => next(metadata),
          (error: SwarmError) => {
            const fields = { code: error.code, method: method.path, from: call.getPeer() };
            refusals.write('warn', error.code, fields, error.message);
            call.sendStatus(toServiceError(error));
          },
        );
      })
      .build();
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
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
    server.bindAsync(hostAndPort(host, port), serverCredentials(), (error, bound) => {
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
