import type { ChannelStatus, EncoderStatus, Status } from '../contracts/api';
import { masterPlaylistUrl, type OriginChannel } from '../contracts/origin';
import { actWasNotNeeded, policySchema, redactedInput, unitsForAudience, type ChannelSpec } from '../domain';
import { regionOutlooks } from '../planner';
import { alertsOf } from './alerts';
import { isComingOnAir, isLate } from './coming-on-air';
import { encoderDemand, peakOf } from './encoder-demand';
import type { Observation } from './observe';
import { problemsOf } from './problems';

export interface StatusContext {
  cell: string;
  urls: Status['urls'];
  net: Status['net'];
  links: Status['links'];
  cycleUrl(workflowId: string): string;
}

/** Puts what the parts said into one picture. Pure: the same observation gives the same status. */
export const statusOf = (seen: Observation, context: StatusContext): Status => {
  const channels = channelIdsOf(seen).map((id) => channelStatus(id, seen, context.urls.origin));
  const encoders = seen.fleet.map((member) => encoderStatus(member.id, seen, channels));
  const problems = problemsOf(seen, encoders, channels);
  const onAir = channels.filter((c) => ['on-air', 'moving', 'recovering'].includes(c.status)).length;
  const originSilent = seen.missing.some((m) => m.part === 'origin');
  const allDark = channels.length > 0 && channels.every((c) => c.status === 'off-air' || c.status === 'late');
  const { forecast, swarm } = seen;
  const cycle = swarm?.lastCycle ?? null;
  return {
    cell: context.cell,
    atMs: seen.atMs,
    health: originSilent || allDark ? 'down' : problems.length || seen.missing.length ? 'degraded' : 'ok',
    problems,
    alerts: alertsOf(seen.feedback),
    links: context.links,
    missing: seen.missing,
    regions: regionOutlooks(forecast, seen.atMs, swarm?.policy ?? policySchema.parse({})),
    counts: {
      onAir,
      channels: channels.length,
      overloaded: encoders.filter((e) => e.load === 'overloaded').length,
      atRisk: encoders.filter((e) => e.load === 'at-risk').length,
    },
    encoders,
    channels,
    forecast: forecast && {
      id: forecast.forecastId,
      model: forecast.model,
      issuedAtMs: forecast.issuedAtMs,
      ageMs: Math.max(0, seen.atMs - forecast.issuedAtMs),
      stepSeconds: forecast.stepSeconds,
      horizonSteps: forecast.horizonSteps,
      held: forecast.held,
    },
    net: context.net,
    cycle: cycle && {
      number: swarm?.cycle ?? 0,
      workflowId: cycle.workflowId,
      url: context.cycleUrl(cycle.workflowId),
      atMs: cycle.atMs,
      moves: cycle.plan.moves.map((m) => `${m.channelId} to ${m.toEncoderId}: ${m.explanation.summary}`),
      scale: 'reason' in cycle.plan.scale ? `${cycle.plan.scale.kind}: ${cycle.plan.scale.reason}` : 'none',
      unmet: cycle.plan.unmet.map((u) => [u.channelId, u.encoderId, u.why].filter(Boolean).join(' ')),
      acted: cycle.acted.filter((act) => !actWasNotNeeded(act)),
    },
    moves: seen.moves,
    policy: swarm?.policy ?? null,
    urls: context.urls,
  };
};

const channelIdsOf = (seen: Observation): string[] =>
  [...new Set([...(seen.swarm?.channels ?? []), ...(seen.origin ?? [])].map((c) => c.id))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );

const channelStatus = (id: string, seen: Observation, originUrl: string): ChannelStatus => {
  const spec = seen.swarm?.channels.find((c) => c.id === id);
  const atOrigin = seen.origin?.find((c) => c.id === id);
  const source = seen.sources?.find((c) => c.id === id);
  const entry = seen.lastEntries[id];
  const viewers = seen.viewers[id] ?? null;
  const captureToPartialMs = atOrigin?.lowLatency?.captureToPartialMs;
  return {
    id,
    region: spec?.region ?? null,
    status: airStatus(id, seen, atOrigin),
    owner: atOrigin?.owner ?? null,
    token: atOrigin?.token ?? null,
    nextGop: atOrigin?.nextGop ?? null,
    gopDurationTicks: atOrigin?.gopDurationTicks ?? spec?.gopDurationTicks ?? null,
    ladder: spec?.ladder.map((r) => r.name) ?? [],
    rungs: entry?.renditions.map((r) => r.name) ?? [],
    viewers,
    viewersForecastP90: peakOf(seen.forecast?.viewers[id]?.p90),
    units: unitsNow(id, seen, atOrigin, spec, viewers),
    publishDelayMs: entry?.delayMs ?? null,
    ...(captureToPartialMs && { captureToPartialMs }),
    lastPublishedAtMs: atOrigin?.lastPublishedAtMs ?? null,
    gapsDeclared: atOrigin?.gapsDeclared ?? null,
    refusals: atOrigin?.refusals ?? {},
    input: spec ? redactedInput(spec.input) : null,
    source: source ? { state: source.state, ...(source.error && { error: source.error }) } : null,
    ...(source?.standby && { standby: source.standby }),
    playlistUrl: masterPlaylistUrl(originUrl, id),
  };
};

const unitsNow = (
  id: string,
  seen: Observation,
  atOrigin: OriginChannel | undefined,
  spec: ChannelSpec | undefined,
  viewers: number | null,
): number | null => {
  const sessions = seen.encoders[atOrigin?.owner?.encoderId ?? '']?.telemetry?.sessions;
  const session = sessions?.find((s) => s.channelId === id && s.sessionId === atOrigin?.owner?.sessionId);
  if (session) return session.units;
  return spec && viewers !== null ? unitsForAudience(spec, viewers) : null;
};

/** One that is late as its contribution has only just begun (the swarm was started again) is starting. */
const airStatus = (
  id: string,
  seen: Observation,
  atOrigin: OriginChannel | undefined,
): ChannelStatus['status'] => {
  const running = seen.moves.find((m) => m.channelId === id && m.outcome === 'running');
  if (!atOrigin?.hasPublished) return 'starting';
  const { owner, gopDurationTicks } = atOrigin;
  if (isLate(atOrigin, seen.atMs)) {
    const source = seen.sources?.find((s) => s.id === id);
    if (isComingOnAir(source, gopDurationTicks, seen.atMs)) return 'starting';
  }
  if (running?.kind === 'recovery') return 'recovering';
  if (!owner) return 'off-air';
  if (isLate(atOrigin, seen.atMs)) return 'late';
  return running ? 'moving' : 'on-air';
};

const encoderStatus = (id: string, seen: Observation, channels: readonly ChannelStatus[]): EncoderStatus => {
  const member = seen.fleet.find((m) => m.id === id)!;
  const { info = null, telemetry = null } = seen.encoders[id] ?? {};
  const policy = seen.swarm?.policy ?? policySchema.parse({});
  const cordon = seen.swarm?.cordons[id];
  const fitness = seen.fitness.find((f) => f.encoderId === id);
  const owned = channels.filter((c) => c.owner?.encoderId === id).map((c) => c.id);
  const demand = encoderDemand(seen.forecast, owned);
  const limitUnits = info ? info.capacityUnits * policy.limitFraction : null;
  const unitsUsed = telemetry?.unitsUsed ?? null;
  const forecastP90Units = peakOf(demand?.p90);
  return {
    id,
    grpcAddress: member.grpcAddress,
    region: info?.region ?? member.region,
    zone: info?.zone ?? member.zone,
    fleetState: member.state,
    restarts: member.restarts,
    reachable: telemetry !== null,
    cordoned: cordon !== undefined,
    draining: cordon?.draining ?? false,
    version: info?.version ?? null,
    ffmpegVersion: info?.ffmpegVersion ?? null,
    codecs: info?.codecs?.map(({ codec }) => codec) ?? null,
    unitsUsed,
    capacityUnits: info?.capacityUnits ?? null,
    limitUnits,
    forecastP50Units: peakOf(demand?.p50),
    forecastP90Units,
    load: loadOf(unitsUsed, forecastP90Units, limitUnits),
    fitness: fitness
      ? { score: fitness.score, terms: fitness.terms, weakestTerm: fitness.weakestTerm }
      : null,
    cpuCores: telemetry?.cpuCores ?? null,
    memoryMiB: telemetry?.memoryMiB ?? null,
    networkKbps: telemetry?.networkKbps ?? null,
    maxSessions: info?.maxSessions ?? null,
    sessions: telemetry?.sessions ?? [],
  };
};

const ROUNDING_UNITS = 1e-6;

const loadOf = (used: number | null, p90: number | null, limit: number | null): EncoderStatus['load'] => {
  if (limit === null || used === null) return 'unknown';
  if (used > limit + ROUNDING_UNITS) return 'overloaded';
  return p90 !== null && p90 > limit + ROUNDING_UNITS ? 'at-risk' : 'ok';
};
