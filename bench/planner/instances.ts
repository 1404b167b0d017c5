import {
  ladderUnits,
  rungsFor,
  type CellForecast,
  type ChannelObservation,
  type ChannelSpec,
  type EncoderObservation,
  type Placement,
  type Rendition,
  type SessionInfo,
  type SwarmSnapshot,
} from '../../src/domain';
import { pick } from '../lib/statistics';

export const NOW_MS = 1_790_000_000_000;
const STEP_SECONDS = 300;
const FRAMES_PER_SECOND = 25;

/** The largest ladder fits any encoder below its limit. */
const LEAST_CAPACITY_UNITS = 75;

const rung = (name: string, widthPx: number, heightPx: number): Rendition => ({
  name,
  widthPx,
  heightPx,
  crf: 26,
  maxBitrateKbps: Math.round((widthPx * heightPx) / 200),
});
const RUNGS = {
  '180p': rung('180p', 320, 180),
  '270p': rung('270p', 480, 270),
  '360p': rung('360p', 640, 360),
  '540p': rung('540p', 960, 540),
  '720p': rung('720p', 1280, 720),
  '1080p': rung('1080p', 1920, 1080),
};

/** Ladders from a phone-sized channel to full HD, and how many channels in a hundred have each. */
const LADDERS: { share: number; ladder: Rendition[]; viewersPerRung: number[] }[] = [
  { share: 40, ladder: [RUNGS['180p'], RUNGS['270p'], RUNGS['360p']], viewersPerRung: [200, 1000] },
  { share: 30, ladder: [RUNGS['180p'], RUNGS['360p'], RUNGS['540p']], viewersPerRung: [200, 1500] },
  { share: 25, ladder: [RUNGS['180p'], RUNGS['360p'], RUNGS['540p'], RUNGS['720p']], viewersPerRung: [300, 1500, 5000] }, // prettier-ignore
  { share: 5, ladder: [RUNGS['180p'], RUNGS['360p'], RUNGS['720p'], RUNGS['1080p']], viewersPerRung: [300, 2000, 8000] }, // prettier-ignore
];

const ladderOf = (random: () => number): (typeof LADDERS)[number] => {
  let left = random() * 100;
  return LADDERS.find(({ share }) => (left -= share) < 0) ?? LADDERS[0]!;
};

/** Normally distributed, mean 0, deviation 1: Box and Muller. */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** A channel of the fleet: its spec, its audience now, and its P90 audience at each step to come. */
export interface Audience {
  spec: ChannelSpec;
  viewers: number;
  p90Viewers: number[];
}

const unitsFor = (spec: ChannelSpec, viewers: number): number =>
  ladderUnits(spec.ladder.slice(0, rungsFor(spec, viewers)), spec.framesPerSecond);

/** Audiences spread over four orders of magnitude around a median; each rises or falls to a crest at a time of its own. */
export const audienceOf = (
  id: string,
  region: string,
  placement: Placement | undefined,
  horizonSteps: number,
  random: () => number,
  medianViewers = 400,
): Audience => {
  const { ladder, viewersPerRung } = ladderOf(random);
  const spec: ChannelSpec = {
    id,
    input: { kind: 'generated' },
    region,
    framesPerSecond: FRAMES_PER_SECOND,
    gopDurationTicks: 180_000,
    ladder,
    viewersPerRung,
    ...(placement && { placement }),
  };
  const viewers = Math.round(medianViewers * Math.exp(1.6 * normal(random)));
  return { spec, ...audienceFrom(viewers, horizonSteps, random) };
};

const audienceFrom = (
  viewers: number,
  horizonSteps: number,
  random: () => number,
): Omit<Audience, 'spec'> => {
  const crest = Math.exp(0.35 * normal(random));
  const crestStep = 1 + random() * horizonSteps;
  const spread = 1 + 0.1 * random();
  const p90Viewers = Array.from({ length: horizonSteps }, (_, k) => {
    const nearness = Math.max(0, 1 - Math.abs(k + 1 - crestStep) / horizonSteps);
    return Math.round(viewers * (1 + (crest - 1) * nearness) * spread);
  });
  return { viewers, p90Viewers };
};

export interface FleetShape {
  channels: number;
  encoders: number;
  regions: number;
  zonesPerRegion: number;
  horizonSteps: number;
  /** Sum of all needs at P90 of the busiest step, as a share of the sum of all limits. */
  utilisation: number;
  limitFraction: number;
}

export interface Fleet {
  snapshot: SwarmSnapshot;
  forecast: CellForecast;
}

export const sessionOf = (channel: ChannelObservation): SessionInfo => ({
  sessionId: channel.owner?.sessionId ?? 'none',
  channelId: channel.spec.id,
  state: 'publishing',
  token: channel.token,
  renditions: channel.spec.ladder.slice(0, channel.rungs).map((r) => r.name),
  units: ladderUnits(channel.spec.ladder.slice(0, channel.rungs), channel.spec.framesPerSecond),
  fromGop: 0,
  lastEncodedGop: 10,
  lastPublishedGop: 10,
  ready: true,
  realTimeRatio: 1,
  lateGops: 0,
});

/** The encoder with telemetry of the sessions that its channels imply. */
export const withSessions = (
  encoder: EncoderObservation,
  owned: readonly ChannelObservation[],
  atMs: number,
): EncoderObservation => {
  const sessions = owned.map(sessionOf);
  const unitsUsed = sessions.reduce((sum, s) => sum + s.units, 0);
  return {
    ...encoder,
    telemetry: { atMs, cpuCores: 0, memoryMiB: 0, networkKbps: 0, unitsUsed, sessions },
  };
};

export const channelOf = (
  { spec, viewers }: Pick<Audience, 'spec' | 'viewers'>,
  encoderId: string,
): ChannelObservation => ({
  spec,
  owner: { encoderId, sessionId: `${spec.id}-session` },
  token: 1,
  nextGop: 11,
  lastPublishedAtMs: NOW_MS - 500,
  rungs: rungsFor(spec, viewers),
  viewers,
  moving: false,
  movedAtMs: null,
});

export const encoderOf = (id: string, over: Partial<EncoderObservation>): EncoderObservation => ({
  id,
  grpcAddress: '127.0.0.1:7710',
  region: 'eu',
  zone: 'a',
  version: '0.1.0',
  ffmpegVersion: '5.1',
  capacityUnits: 1,
  maxSessions: 1,
  reachable: true,
  cordoned: false,
  draining: false,
  troubles: 0,
  ...over,
});

const padded = (prefix: string, i: number): string => `${prefix}-${String(i).padStart(6, '0')}`;

const curveOf = (spec: ChannelSpec, p90Viewers: readonly number[]) => {
  const p90 = p90Viewers.map((v) => unitsFor(spec, v));
  const p50 = p90Viewers.map((v) => unitsFor(spec, v / 1.1));
  return { p10: p50, p50, p90 };
};

/**
 * A fleet as it is found: each channel went to the less loaded of two encoders that may have it and have room for what
 * it needs now, so that loads at P90 differ and some encoders will be over their limit.
 *
 * One encoder in 100 is cordoned, one in 10 of a second compatibility class; 4 channels in 100 are pairs of a
 * redundancy group, 2 in 100 are pinned to a zone.
 */
export const fleetOf = (shape: FleetShape, random: () => number): Fleet => {
  const { channels, encoders, regions, zonesPerRegion, horizonSteps } = shape;
  const regionOf = (i: number): string => `region-${i % regions}`;
  const hosts = Array.from({ length: encoders }, (_, i) =>
    encoderOf(padded('enc', i), {
      region: regionOf(i),
      zone: `${regionOf(i)}-${Math.floor(i / regions) % zonesPerRegion}`,
      capacityUnits: pick(random, [0.75, 1, 1, 1.25]),
      compatibilityClass: random() < 0.1 ? 'class-b' : 'class-a',
      cordoned: random() < 0.01,
    }),
  );
  const audiences = Array.from({ length: channels }, (_, i) => {
    const region = regionOf(Math.floor(random() * regions));
    return audienceOf(padded('ch', i), region, placementOf(i, region, zonesPerRegion, random), horizonSteps, random); // prettier-ignore
  });
  // Channels of one group are of one region.
  for (let i = 1; i < channels; i++) {
    const [one, two] = [audiences[i - 1]!.spec, audiences[i]!.spec];
    const group = two.placement?.redundancyGroup;
    if (group !== undefined && group === one.placement?.redundancyGroup) two.region = one.region;
  }

  const busiest = Math.max(
    ...Array.from({ length: horizonSteps }, (_, k) =>
      audiences.reduce((sum, a) => sum + unitsFor(a.spec, a.p90Viewers[k] ?? 0), 0),
    ),
  );
  const relative = hosts.reduce((sum, e) => sum + e.capacityUnits, 0);
  const scale = busiest / (shape.utilisation * shape.limitFraction * relative);
  const most = Math.ceil((3 * channels) / encoders);
  for (const host of hosts) {
    host.capacityUnits = Math.max(LEAST_CAPACITY_UNITS, host.capacityUnits * scale);
    host.maxSessions = most;
  }
  return place(hosts, audiences, shape, random);
};

const placementOf = (
  i: number,
  region: string,
  zonesPerRegion: number,
  random: () => number,
): Placement | undefined => {
  if (i % 50 < 2) return { redundancyGroup: `pair-${Math.floor(i / 50)}` };
  if (random() < 0.02) return { zone: `${region}-${Math.floor(random() * zonesPerRegion)}` };
  return undefined;
};

const place = (
  hosts: EncoderObservation[],
  audiences: Audience[],
  { horizonSteps, limitFraction }: FleetShape,
  random: () => number,
): Fleet => {
  const byRegion = new Map<string, number[]>();
  hosts.forEach((e, i) => byRegion.set(e.region, [...(byRegion.get(e.region) ?? []), i]));
  const used = new Float64Array(hosts.length);
  const owned: ChannelObservation[][] = hosts.map(() => []);
  const zonesOf = new Map<string, Set<string>>();
  for (const audience of audiences) {
    const { spec } = audience;
    const group = spec.placement?.redundancyGroup;
    const taken = (group !== undefined && zonesOf.get(group)) || new Set<string>();
    const mayHave = (e: EncoderObservation): boolean =>
      (spec.placement?.zone ?? e.zone) === e.zone && !taken.has(e.zone);
    const inRegion = byRegion.get(spec.region) ?? [];
    const units = unitsFor(spec, audience.viewers);
    const fill = (e: number): number => (used[e]! + units) / hosts[e]!.capacityUnits;
    const offered: number[] = [];
    for (let tries = 0; tries < 200; tries++) {
      const e = pick(random, inRegion);
      if (mayHave(hosts[e]!)) offered.push(e);
      if (offered.filter((one) => fill(one) <= limitFraction).length === 2) break;
    }
    const e = offered.reduce((best, next) => (fill(next) < fill(best) ? next : best));
    used[e]! += units;
    owned[e]!.push(channelOf(audience, hosts[e]!.id));
    if (group !== undefined) zonesOf.set(group, taken.add(hosts[e]!.zone));
  }
  const channels = owned.flat();
  return {
    snapshot: {
      cell: 'bench',
      atMs: NOW_MS,
      encoders: hosts.map((e, i) => withSessions(e, owned[i]!, NOW_MS)),
      channels,
    },
    forecast: forecastFor(audiences, horizonSteps),
  };
};

export const forecastFor = (audiences: readonly Audience[], horizonSteps: number): CellForecast => ({
  forecastId: `forecast-bench-${NOW_MS}`,
  model: 'bench',
  issuedAtMs: NOW_MS,
  stepSeconds: STEP_SECONDS,
  horizonSteps,
  viewers: {},
  channelUnits: Object.fromEntries(audiences.map((a) => [a.spec.id, curveOf(a.spec, a.p90Viewers)])),
  held: [],
});

/** A channel whose audience, and so its forecast, has changed. */
export const changedAudience = (
  channel: ChannelObservation,
  horizonSteps: number,
  random: () => number,
): { channel: ChannelObservation; curve: ReturnType<typeof curveOf> } => {
  const viewers = Math.round(channel.viewers * Math.exp(0.4 * normal(random)));
  const { p90Viewers } = audienceFrom(viewers, horizonSteps, random);
  return { channel: { ...channel, viewers }, curve: curveOf(channel.spec, p90Viewers) };
};
