import type { TelemetryStore } from '../../src/telemetry';
import type { RecordMoveRequest } from '../kit/types';

/** Activities that write what became of decisions, for dashboards and for the next decisions. */
export const telemetryActivities = ({ store }: { store: TelemetryStore }) => ({
  /** Points carry the move's own times, so that writing them twice leaves one. */
  async recordMove({ cell, result, troubles }: RecordMoveRequest): Promise<void> {
    const { channelId, reason, outcome, workflowId, committedAtMs, requestedAtMs, overlapGops } = result;
    await store.write([
      {
        measurement: 'move',
        tags: { cell, channel: channelId, reason, outcome },
        fields: {
          workflow_id: workflowId,
          ...(committedAtMs !== null && { request_to_commit_ms: committedAtMs - requestedAtMs }),
          ...(overlapGops !== null && { overlap_gops: overlapGops }),
        },
        atMs: result.finishedAtMs,
      },
      ...troubles.map(({ encoderId, kind, atMs }) => ({
        measurement: 'trouble',
        tags: { cell, encoder: encoderId, kind },
        fields: { weight: 1 },
        atMs,
      })),
    ]);
  },
});
