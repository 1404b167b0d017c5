import { LOOPBACK } from '../platform/addresses';
import type { PortWanted, SwarmPorts, Tools } from '../setup';

/** Every port that the parts about to start will take, with what to set to get another one. */
export const portsWanted = (options: {
  ports: SwarmPorts;
  tools: Tools;
  encoders: number;
  codec?: boolean;
}): PortWanted[] => {
  const { ports, tools } = options;
  const own: [keyof SwarmPorts, string][] = [
    ['api', 'SWARM_API_PORT'],
    ['relay', 'SWARM_RELAY_PORT'],
    ['origin', 'SWARM_ORIGIN_PORT'],
    ['source', 'SWARM_SOURCE_PORT'],
    ['fleet', 'SWARM_FLEET_PORT'],
    ['collector', 'SWARM_COLLECTOR_PORT'],
    ['worker', 'SWARM_WORKER_PORT'],
    ['player', 'SWARM_PLAYER_PORT'],
    ['push', 'SWARM_PUSH_PORT'],
  ];
  const wanted: PortWanted[] = own.map(([part, variable]) => ({
    port: ports[part],
    usedFor: part,
    hint: `set ${variable}`,
  }));
  for (let i = 0; i < options.encoders; i += 1) {
    wanted.push({
      port: ports.encoderBase + i,
      usedFor: `encoder ${i + 1}`,
      hint: 'set SWARM_ENCODER_PORT_BASE',
    });
  }
  // These stay on loopback, wherever the parts listen.
  const host = LOOPBACK;
  if (options.codec) wanted.push({ host, port: ports.codec, usedFor: 'codec', hint: 'set SWARM_CODEC_PORT' });
  if ('path' in tools.temporal) {
    const hint = 'set TEMPORAL_ADDRESS to use the Temporal that runs there';
    wanted.push({ host, port: ports.temporal, usedFor: 'Temporal', hint });
    wanted.push({ host, port: ports.temporalUi, usedFor: "Temporal's UI", hint });
  }
  if ('path' in tools.influx) {
    const hint = 'set INFLUX_URL to use the InfluxDB that runs there';
    wanted.push({ host, port: ports.influx, usedFor: 'InfluxDB', hint });
    wanted.push({ host, port: ports.influxBackup, usedFor: "InfluxDB's backup service", hint });
  }
  return wanted;
};
