import { readEnvironment, type Environment } from '../config/config';
import type { SwarmPorts, Tools } from '../setup';

/** A host to connect to for one that is listened on. */
const reachable = (host: string): string => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host);

/**
 * The variables that every part of a swarm gets, and the same, validated.
 * @throws Error of readEnvironment when the user's own variables are malformed
 */
export const swarmEnvironment = (options: {
  env: NodeJS.ProcessEnv;
  stateDir: string;
  ports: SwarmPorts;
  tools: Tools;
}): { variables: NodeJS.ProcessEnv; environment: Environment } => {
  const { env, ports, tools } = options;
  const host = env.SWARM_HOST || '127.0.0.1';
  const url = (port: number): string => `http://${reachable(host)}:${port}`;
  const { temporal, influx, ffmpeg } = tools;
  const variables: NodeJS.ProcessEnv = {
    ...env,
    SWARM_STATE_DIR: options.stateDir,
    SWARM_HOST: host,
    SWARM_API_PORT: String(ports.api),
    SWARM_RELAY_PORT: String(ports.relay),
    SWARM_ORIGIN_PORT: String(ports.origin),
    SWARM_SOURCE_PORT: String(ports.source),
    SWARM_FLEET_PORT: String(ports.fleet),
    SWARM_COLLECTOR_PORT: String(ports.collector),
    SWARM_WORKER_PORT: String(ports.worker),
    SWARM_ENCODER_PORT_BASE: String(ports.encoderBase),
    SWARM_API_URL: url(ports.api),
    SWARM_RELAY_URL: url(ports.relay),
    SWARM_ORIGIN_URL: url(ports.origin),
    SWARM_SOURCE_URL: url(ports.source),
    SWARM_FLEET_URL: url(ports.fleet),
    INFLUX_URL: 'url' in influx ? influx.url : url(ports.influx),
    TEMPORAL_ADDRESS: 'address' in temporal ? temporal.address : `${reachable(host)}:${ports.temporal}`,
    FFMPEG: ffmpeg.ffmpegPath,
    ...(ffmpeg.ffprobePath && { FFPROBE: ffmpeg.ffprobePath }),
    ...('address' in temporal
      ? { TEMPORAL_NAMESPACE: temporal.namespace }
      : { TEMPORAL_UI_URL: url(ports.temporalUi) }),
  };
  return { variables, environment: readEnvironment(variables) };
};
