import { readEnvironment, type Environment } from '../config/config';
import { LOOPBACK, connectableHost, hostAndPort, isLoopbackUrl } from '../platform/addresses';
import { tlsFilesOf } from '../platform/links/link-tls';
import type { SwarmPorts, Tools } from '../setup';
import { replicaVariables, type ReplicaSet } from './replicas';

/** Names under which this machine reaches its own parts: a proxy of the environment is for the way out. */
const withoutProxy = (env: NodeJS.ProcessEnv, host: string): string => {
  // Programs differ in which of them they read.
  const given = [env.no_proxy, env.NO_PROXY, env.no_grpc_proxy].flatMap((list) =>
    (list ?? '').split(/[\s,]+/),
  );
  return [...new Set([...given, '127.0.0.1', 'localhost', host])].filter(Boolean).join(',');
};

/** How to reach a Temporal of one's own: the development server knows neither TLS nor logins. */
const withoutTemporalLink = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^TEMPORAL_(TLS|API_KEY|GRPC_META)/.test(name)));

/**
 * Where the API listens is decided here: whoever names another URL than one of this machine, which may be left over
 * from the command line, means the one for browsers.
 */
const nameForBrowsers = (apiUrl: string | undefined): string | undefined =>
  apiUrl === undefined || isLoopbackUrl(apiUrl) ? undefined : apiUrl;

/**
 * The variables that every part of a swarm gets, and the same, validated.
 * @throws Error that names each variable of the user's own that is malformed
 */
export const swarmEnvironment = (options: {
  env: NodeJS.ProcessEnv;
  stateDir: string;
  ports: SwarmPorts;
  tools: Tools;
  /** Of several origins and relays; absent: there is one of each. */
  replicas?: ReplicaSet | undefined;
}): { variables: NodeJS.ProcessEnv; environment: Environment } => {
  const { env, ports, tools } = options;
  // Before anything is made of it: each of the URLs below would be found at fault in its place.
  const { SWARM_HOST: host } = readEnvironment(env.SWARM_HOST ? { SWARM_HOST: env.SWARM_HOST } : {});
  const publicApi = env.SWARM_PUBLIC_API_URL ?? nameForBrowsers(env.SWARM_API_URL);
  const noProxy = withoutProxy(env, connectableHost(host));
  const address = (port: number): string => hostAndPort(connectableHost(host), port);
  const scheme = tlsFilesOf(env) ? 'https' : 'http';
  const url = (port: number): string => `${scheme}://${address(port)}`;
  const playerScheme = env.SWARM_PLAYER_TLS === 'off' ? 'http' : scheme;
  // These know no login that a browser of another machine could use, or none at all.
  const ownServer = (port: number): string => hostAndPort(LOOPBACK, port);
  const { temporal, influx, ffmpeg } = tools;
  const variables: NodeJS.ProcessEnv = {
    ...('address' in temporal ? env : withoutTemporalLink(env)),
    no_proxy: noProxy,
    NO_PROXY: noProxy,
    // gRPC heeds it in place of the other two.
    ...(env.no_grpc_proxy && { no_grpc_proxy: noProxy }),
    SWARM_STATE_DIR: options.stateDir,
    SWARM_HOST: host,
    SWARM_API_PORT: String(ports.api),
    SWARM_RELAY_PORT: String(ports.relay),
    SWARM_ORIGIN_PORT: String(ports.origin),
    SWARM_PLAYER_PORT: String(ports.player),
    SWARM_SOURCE_PORT: String(ports.source),
    SWARM_PUSH_PORT: String(ports.push),
    SWARM_FLEET_PORT: String(ports.fleet),
    SWARM_COLLECTOR_PORT: String(ports.collector),
    SWARM_WORKER_PORT: String(ports.worker),
    SWARM_CODEC_PORT: String(ports.codec),
    SWARM_ENCODER_PORT_BASE: String(ports.encoderBase),
    SWARM_API_URL: url(ports.api),
    ...(publicApi && { SWARM_PUBLIC_API_URL: publicApi }),
    SWARM_RELAY_URL: url(ports.relay),
    SWARM_ORIGIN_URL: url(ports.origin),
    SWARM_PLAYER_URL: `${playerScheme}://${address(ports.player)}`,
    ...(options.replicas && replicaVariables(options.replicas, url)),
    SWARM_SOURCE_URL: url(ports.source),
    SWARM_FLEET_URL: url(ports.fleet),
    INFLUX_URL: 'url' in influx ? influx.url : `http://${ownServer(ports.influx)}`,
    TEMPORAL_ADDRESS: 'address' in temporal ? temporal.address : ownServer(ports.temporal),
    FFMPEG: ffmpeg.ffmpegPath,
    ...(ffmpeg.ffprobePath && { FFPROBE: ffmpeg.ffprobePath }),
    ...('address' in temporal
      ? { TEMPORAL_NAMESPACE: temporal.namespace }
      : { TEMPORAL_UI_URL: `http://${ownServer(ports.temporalUi)}` }),
  };
  return { variables, environment: readEnvironment(variables) };
};
