import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../src/config/config';
import { OriginClient } from '../../src/contracts/origin';
import type { ChannelSpec } from '../../src/domain';
import { startSwarm, type RunningSwarm, type SwarmOptions } from '../../src/launch/swarm';
import { StepReporter } from '../../src/setup';
import { connectTemporal } from '../../src/temporal/client';
import { ALL_SAGAS, countSagas, type SagaCounts } from '../chaos/sagas';
import { auditFence } from './fence-audit';
import { hasParent, tellParent } from './told-parent';

/** Encoders named enc-1 and on, in zones a and b in turn. */
export const benchEncoders = (count: number): { id: string; zone: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `enc-${i + 1}`, zone: i % 2 ? 'b' : 'a' }));

export interface BenchSwarmOptions extends Partial<Omit<SwarmOptions, 'encoders' | 'channels'>> {
  stateDir: string;
  channels: ChannelSpec[];
  encoderCount: number;
  encoderCapacityUnits: number;
}

/** Sagas that are under way when a bench has done its work have this long to end. */
const SETTLED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 1_000;

/** Counts the sagas of a swarm once all have ended, or the time is over. */
const settledSagas = async (environment: Environment): Promise<SagaCounts> => {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  for (;;) {
    try {
      const temporal = await connectTemporal(environment);
      const sagas = await countSagas(temporal.client, ALL_SAGAS).finally(() => temporal.close());
      if (sagas.running === 0 || Date.now() > deadline) return sagas;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(LOOK_EVERY_MS);
  }
};

/** What is wrong in the ledgers of all channels, in words. */
const fenceFaultsOf = async ({ SWARM_ORIGIN_URL }: Environment): Promise<string[]> => {
  const origin = new OriginClient(SWARM_ORIGIN_URL);
  const channels = await origin.channels();
  const ledgers = await Promise.all(
    channels.map(async ({ id }) => auditFence(id, await origin.wholeLedger(id))),
  );
  return ledgers.flat();
};

/**
 * Starts a whole swarm for a bench: steps are shown, events are not unless `onEvent` is given. Where another bench runs
 * this one, it is told what the swarm has done before that is stopped.
 */
export const startBenchSwarm = async ({
  encoderCount,
  ...options
}: BenchSwarmOptions): Promise<RunningSwarm> => {
  const swarm = await startSwarm({
    env: process.env,
    reporter: new StepReporter(process.stdout),
    onEvent: () => {},
    ...options,
    encoders: benchEncoders(encoderCount),
  });
  if (!hasParent()) return swarm;
  let stopping: Promise<void> | undefined;
  const { environment } = swarm;
  const stop = async (): Promise<void> => {
    tellParent({ kind: 'load-ends' });
    try {
      const sagas = await settledSagas(environment);
      tellParent({ kind: 'settled', sagas, fenceFaults: await fenceFaultsOf(environment) });
    } finally {
      await swarm.stop();
    }
  };
  return { ...swarm, stop: () => (stopping ??= stop()) };
};
