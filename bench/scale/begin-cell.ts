import { gzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';
import { taskQueueOf, type Environment } from '../../src/config/config';
import { OriginClient } from '../../src/contracts/origin';
import {
  channelWorkflowId,
  policySchema,
  swarmControl,
  swarmWorkflowId,
  type ChannelWorkflowState,
  type Policy,
  type SwarmProgress,
  type SwarmWorkflowInput,
} from '../../src/domain';
import { retried } from '../../src/platform/retry';
import { ensureSwarm } from '../../src/temporal/client';
import { registerSearchAttributes } from '../../src/temporal/search-attributes';
import { startSwarmRun, cellAttribute } from '../../src/temporal/swarm-run';
import { channelOfCell, type CellSize } from './cell';
import { inTurn } from './in-turn';

const STARTS_AT_ONCE = 64;
const GZIP_LEVEL = 1;
/** A list of channels of a few hundred passes as it is. */
const PLAIN_AT_MOST_BYTES = 256 * 1_024;
const ORIGIN_TIMEOUT_MS = 10_000;
const CYCLES_BEFORE_REST = 3;
const BEGUN_WITHIN_MS = 600_000;

/** The fleet neither grows nor shrinks. */
const policyOf = ({ encoders }: CellSize): Policy =>
  policySchema.parse({ minEncoders: encoders, maxEncoders: encoders });

/**
 * Has the workflows of a cell run that has been on air for a while: each channel's with its owner, the swarm's with the list
 * of channels, versions and Schedules. As a swarm begins again after the loss of its Temporal.
 */
export const beginCell = async (client: Client, environment: Environment, cell: CellSize): Promise<void> => {
  const { SWARM_CELL: name, SWARM_ORIGIN_URL: originUrl } = environment;
  const policy = policyOf(cell);
  const specs = Array.from({ length: cell.channels }, (_, i) => channelOfCell(i));
  await registerSearchAttributes(client.connection, client.options.namespace);
  const origin = await new OriginClient(originUrl).channels({ timeoutMs: ORIGIN_TIMEOUT_MS });
  const atOrigin = new Map(origin.map((channel) => [channel.id, channel]));
  const context = { policy, cordons: {} };
  const again = { firstMs: 200, longestMs: 200, patienceMs: 15_000 };
  await inTurn(specs, STARTS_AT_ONCE, async (spec) => {
    const { owner = null, token = 0 } = atOrigin.get(spec.id) ?? {};
    const carried: ChannelWorkflowState = {
      ...{ spec, status: 'on-air', token, rungs: 1, moves: 0, movedAtMs: null, lastMove: null },
      ownerEncoderId: owner?.encoderId ?? null,
      ownerSessionId: owner?.sessionId ?? null,
      detail: 'on air',
    };
    await retried(
      () =>
        client.workflow.start('channel', {
          workflowId: channelWorkflowId(spec.id),
          taskQueue: taskQueueOf(name),
          args: [{ cell: name, spec, context, carried }],
          typedSearchAttributes: cellAttribute(name),
          workflowTaskTimeout: '5 seconds',
        }),
      again,
    );
  });
  const state = { cell: name, cycle: 0, policy, cordons: {}, lowDemandSinceMs: null, lastCycle: null };
  const rest: SwarmWorkflowInput = { cell: name, cycleSeconds: 5, policy };
  const plain = JSON.stringify(specs);
  await startSwarmRun(
    client,
    name,
    plain.length <= PLAIN_AT_MOST_BYTES
      ? { input: { ...rest, carried: { ...state, channels: specs } } }
      : { input: { ...rest, carried: state }, packed: gzipSync(plain, { level: GZIP_LEVEL }) },
  );
  await ensureSwarm(client, environment, { policy });
  // Every channel's first task goes before: who measures earlier measures that.
  const second = async (): Promise<void> => {
    const { cycle } = await client.workflow
      .getHandle(swarmWorkflowId(name))
      .query<SwarmProgress>(swarmControl.progress);
    if (cycle < CYCLES_BEFORE_REST) throw new Error(`The swarm is at cycle ${cycle}.`);
  };
  await retried(second, { firstMs: 1_000, longestMs: 1_000, patienceMs: BEGUN_WITHIN_MS });
};
