import {
  channelWithDefaults,
  policySchema,
  type CellForecast,
  type ChannelObservation,
  type ChannelSpec,
  type EncoderObservation,
  type Plan,
  type Policy,
  type SessionInfo,
  type SwarmSnapshot,
} from '../../src/domain';
import { fitnessOf } from '../../src/fitness';
import { makePlan } from '../../src/planner';
import { unitsOfRungs } from '../../src/planner/demand';
import { SwarmTracker } from '../../src/planner/swarm-tracker';

export const NOW_MS = 1_790_000_000_000;
/** Without a reserve, so that limits are round figures. */
export const defaultPolicy: Policy = policySchema.parse({ reserveFraction: 0 });

export const sessionOf = (channel: ChannelObservation, over: Partial<SessionInfo> = {}): SessionInfo => ({
  sessionId: channel.owner?.sessionId ?? 'none',
  channelId: channel.spec.id,
  state: 'publishing',
  token: channel.token,
  renditions: channel.spec.ladder.slice(0, channel.rungs).map((r) => r.name),
  units: unitsOfRungs(channel.spec, channel.rungs),
  fromGop: 0,
  lastEncodedGop: 10,
  lastPublishedGop: 10,
  ready: true,
  realTimeRatio: 1,
  lateGops: 0,
  ...over,
});

export const encoderWith = (id: string, over: Partial<EncoderObservation> = {}): EncoderObservation => ({
  id,
  grpcAddress: `127.0.0.1:${7710 + Number(id.replace(/\D/g, ''))}`,
  region: 'eu',
  zone: id === 'enc-2' ? 'b' : 'a',
  version: '0.1.0',
  ffmpegVersion: '5.1',
  capacityUnits: 6,
  maxSessions: 8,
  reachable: true,
  cordoned: false,
  draining: false,
  troubles: 0,
  ...over,
});

export const channelOn = (
  spec: ChannelSpec,
  encoderId: string | null,
  over: Partial<ChannelObservation> = {},
): ChannelObservation => ({
  spec,
  owner: encoderId === null ? null : { encoderId, sessionId: `session-${spec.id}` },
  token: 1,
  nextGop: 11,
  lastPublishedAtMs: NOW_MS - 500,
  rungs: 1,
  viewers: 100,
  moving: false,
  movedAtMs: null,
  ...over,
});

/** Gives every reachable encoder fresh telemetry with a session per channel that it owns. */
export const withTelemetry = (snapshot: SwarmSnapshot): SwarmSnapshot => ({
  ...snapshot,
  encoders: snapshot.encoders.map((encoder) => {
    if (!encoder.reachable || encoder.telemetry) return encoder;
    const owned = snapshot.channels.filter((c) => c.owner?.encoderId === encoder.id);
    const sessions = owned.map((c) => sessionOf(c));
    const unitsUsed = sessions.reduce((sum, s) => sum + s.units, 0);
    return {
      ...encoder,
      telemetry: {
        atMs: snapshot.atMs,
        cpuCores: 0.1,
        memoryMiB: 100,
        networkKbps: 500,
        unitsUsed,
        sessions,
      },
    };
  }),
});

/** Six channels with the default ladder, of which the audience earns more or less. */
export const sixChannels = (): ChannelSpec[] =>
  Array.from({ length: 6 }, (_, i) => channelWithDefaults(`ch-${i + 1}`));

/** A usual swarm: ch-1 and ch-4 on enc-1, ch-2 and ch-5 on enc-2, ch-3 and ch-6 on enc-3, one rung each. */
export const defaultSwarm = (over: Record<string, Partial<ChannelObservation>> = {}): SwarmSnapshot =>
  withTelemetry({
    cell: 'local',
    atMs: NOW_MS,
    encoders: ['enc-1', 'enc-2', 'enc-3'].map((id) => encoderWith(id)),
    channels: sixChannels().map((spec, i) => channelOn(spec, `enc-${(i % 3) + 1}`, over[spec.id])),
  });

/** A forecast whose P90 units by channel are given per step; channels not named need 1 unit. */
export const forecastOf = (
  snapshot: SwarmSnapshot,
  p90: Record<string, number[]>,
  over: Partial<CellForecast> = {},
): CellForecast => {
  const horizonSteps = Math.max(6, ...Object.values(p90).map((c) => c.length));
  const flat = new Array<number>(horizonSteps).fill(1);
  return {
    forecastId: `forecast-${snapshot.cell}-${snapshot.atMs}`,
    model: 'seasonal-naive',
    issuedAtMs: snapshot.atMs,
    stepSeconds: 5,
    horizonSteps,
    viewers: {},
    channelUnits: Object.fromEntries(
      snapshot.channels.map(({ spec }) => {
        const curve = p90[spec.id] ?? flat;
        return [spec.id, { p10: curve.map(() => 1), p50: curve, p90: curve }];
      }),
    ),
    held: [],
    ...over,
  };
};

/** What the planner reads out of a snapshot. */
export const trackerOf = (
  snapshot: SwarmSnapshot,
  forecast = forecastOf(snapshot, {}),
  policy = defaultPolicy,
): SwarmTracker => {
  const tracker = new SwarmTracker(forecast, policy);
  tracker.read(snapshot);
  return tracker;
};

/**
 * The plan of a swarm by its own fitness.
 * @param p90 units by channel and step, for its forecast; null: there is none
 */
export const planFor = (
  snapshot: SwarmSnapshot,
  p90: Record<string, number[]> | null = {},
  policy: Partial<Policy> = {},
  lowDemandSinceMs: number | null = null,
): Plan => {
  const forecast = p90 && forecastOf(snapshot, p90);
  const full = { ...defaultPolicy, ...policy };
  return makePlan(snapshot, forecast, fitnessOf(snapshot, forecast, full), full, { lowDemandSinceMs });
};
