import type { ChannelSpec } from '../../src/domain';
import { startSwarm, type RunningSwarm, type SwarmOptions } from '../../src/launch/swarm';
import { StepReporter } from '../../src/setup';

/** Encoders named enc-1 and on, in zones a and b in turn. */
export const benchEncoders = (count: number): { id: string; zone: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `enc-${i + 1}`, zone: i % 2 ? 'b' : 'a' }));

export interface BenchSwarmOptions extends Partial<Omit<SwarmOptions, 'encoders' | 'channels'>> {
  stateDir: string;
  channels: ChannelSpec[];
  encoderCount: number;
  encoderCapacityUnits: number;
}

/** Starts a whole swarm for a bench: steps are shown, events are not unless `onEvent` is given. */
export const startBenchSwarm = ({ encoderCount, ...options }: BenchSwarmOptions): Promise<RunningSwarm> =>
  startSwarm({
    env: process.env,
    reporter: new StepReporter(process.stdout),
    onEvent: () => {},
    ...options,
    encoders: benchEncoders(encoderCount),
  });
