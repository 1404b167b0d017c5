import { SwarmError, type InstalledBuild } from '../../src/domain';
import { retried } from '../../src/platform/retry';
import { installedBuildOf } from '../../src/versions';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';

const pauses = { firstMs: 250, longestMs: 250 };
const HEALTHY_WITHIN_MS = 60_000;
const CALL_DEADLINE_MS = 1_000;

const awaitHealthy = async (
  encoders: Dependencies['encoders'],
  encoderId: string,
  signal: AbortSignal,
): Promise<void> => {
  const look = async (): Promise<void> => {
    const client = await encoders.client(encoderId);
    await client.describe({ deadlineMs: CALL_DEADLINE_MS, signal });
    await client.telemetry({ deadlineMs: CALL_DEADLINE_MS, signal });
  };
  await retried(look, { ...pauses, patienceMs: HEALTHY_WITHIN_MS, signal }).catch(() => {
    signal.throwIfAborted();
    throw new SwarmError(
      'encoder-unreachable',
      `Encoder ${encoderId} did not answer within ${HEALTHY_WITHIN_MS} ms of its start.`,
      'Look at the log of this encoder.',
    );
  });
};

/** Activities that start and end encoder hosts. */
export const fleetActivities = ({
  fleet,
  encoders,
  versions,
}: Pick<Dependencies, 'fleet' | 'encoders' | 'versions'>) => ({
  /** The same requestId again gives the same encoder. It begins with the cell's target build. */
  provisionEncoder: (request: { requestId: string; zone?: string }): Promise<{ encoderId: string }> =>
    withHeartbeats(async () => {
      const { builds, targetBuildId } = await versions.read({ isCurrent: true });
      const target = builds.find((build) => build.id === targetBuildId);
      const build = target && installedBuildOf(target);
      return { encoderId: (await fleet.provision(request.requestId, request.zone, build)).id };
    }),

  /**
   * Restarts a drained encoder with a build; the same requestId again changes nothing.
   * @throws SwarmError conflict, not-found, unknown-encoder: nothing changed; encoder-incompatible: it runs the
   * build before again
   */
  setEncoderBuild: (request: {
    encoderId: string;
    build: InstalledBuild;
    requestId: string;
  }): Promise<{ encoderId: string }> =>
    withHeartbeats(async () => {
      const { encoderId, build, requestId } = request;
      await fleet.setBuild(encoderId, build, requestId);
      await encoders.refresh();
      return { encoderId };
    }),

  /** Waits until a new encoder answers with its first telemetry. @throws SwarmError encoder-unreachable */
  awaitEncoderHealthy: (request: { encoderId: string }): Promise<{ atMs: number }> =>
    withHeartbeats(async (signal) => {
      await awaitHealthy(encoders, request.encoderId, signal);
      return { atMs: Date.now() };
    }),

  deprovisionEncoder: (request: { encoderId: string }): Promise<void> =>
    withHeartbeats(async () => {
      await fleet.deprovision(request.encoderId);
      await encoders.refresh();
    }),
});
