import type { ChannelObservation, EncoderObservation, SessionInfo, SwarmSnapshot } from '../../domain';
import type { CycleView } from '../policy';
import { viewersAt } from '../world';

const MAX_SESSIONS = 1_000;

/** What the live control cycle would observe at this moment: the planner can't tell the difference. */
export const snapshotOf = (view: CycleView): SwarmSnapshot => {
  const { world, cycle, atMs, encoders, demand } = view;
  const channels: ChannelObservation[] = [];
  const sessions = new Map<string, SessionInfo[]>(encoders.map((e) => [e.id, []]));
  world.channels.forEach((channel, c) => {
    const rungs = demand.rungs[c]?.[cycle] ?? 0;
    if (rungs === 0) return;
    const { spec } = channel;
    const owner = view.ownerOf(c);
    const sessionId = `session-${spec.id}`;
    channels.push({
      spec,
      owner: owner && { encoderId: owner.id, sessionId },
      token: 1,
      nextGop: 1,
      lastPublishedAtMs: atMs,
      rungs,
      viewers: viewersAt(world, channel, cycle * world.cycleSeconds),
      moving: false,
      movedAtMs: view.movedAtMs(c),
    });
    if (!owner) return;
    sessions.get(owner.id)?.push({
      sessionId,
      channelId: spec.id,
      state: 'publishing',
      token: 1,
      renditions: spec.ladder.slice(0, rungs).map((r) => r.name),
      units: view.unitsOf(c),
      fromGop: 0,
      lastEncodedGop: 0,
      lastPublishedGop: 0,
      ready: true,
      realTimeRatio: 1,
      lateGops: 0,
    });
  });
  return {
    cell: world.cell,
    atMs,
    channels,
    encoders: encoders.map((encoder): EncoderObservation => {
      const unitsUsed = view.loadOf(encoder);
      return {
        id: encoder.id,
        grpcAddress: `${encoder.id}:1`,
        region: 'eu',
        zone: encoder.zone,
        version: '1',
        ffmpegVersion: '1',
        capacityUnits: view.capacityUnits,
        maxSessions: MAX_SESSIONS,
        reachable: true,
        cordoned: encoder.draining,
        draining: encoder.draining,
        troubles: 0,
        telemetry: {
          atMs,
          cpuCores: 0,
          memoryMiB: 0,
          networkKbps: 0,
          unitsUsed,
          sessions: sessions.get(encoder.id) ?? [],
        },
      };
    }),
    pendingEncoders: [...view.pending],
    provisioning: [...view.outcomes],
  };
};
