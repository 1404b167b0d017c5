import type { PendingEncoder, ProvisioningOutcome } from '../domain';

/** What is believed before anything was measured: cloud instances boot in 1 to 5 minutes. */
const PRIOR_SECONDS: readonly number[] = [60, 120, 180, 240, 300];
/** Older outcomes say little of today's provider. */
const MAX_OBSERVATIONS = 40;
/** One request in this many may be slower than planned for. */
const LEAD_TIME_LEVEL = 0.9;
/** An encoder that took this many lead times will hardly come any more. */
const OVERDUE_LEAD_TIMES = 2;
const FIRST_RETRY_SECONDS = 15;
const LONGEST_RETRY_SECONDS = 300;

interface Weighted {
  seconds: number;
  weight: number;
}

/** Smallest value at which `level` of the weight is reached; `values` not empty. */
const quantile = (values: readonly Weighted[], level: number): number => {
  const sorted = [...values].sort((a, b) => a.seconds - b.seconds);
  const wanted = level * sorted.reduce((sum, v) => sum + v.weight, 0) - 1e-9;
  let reached = 0;
  return (sorted.find((v) => (reached += v.weight) >= wanted) ?? sorted[0])?.seconds ?? 0;
};

export interface LeadTime {
  /** Nine requests of ten have brought an encoder within this time. */
  seconds: number;
  medianSeconds: number;
  /** Real outcomes that it rests on; the rest is prior. */
  observations: number;
}

/**
 * How long before it is needed an encoder must be asked for, learned from what it really took. A request that failed
 * costs its own time and then that of another one, so it counts as its duration and a median on top. The prior is
 * worth five observations at first, and fades as real ones come in.
 *
 * @param outcomes oldest first
 */
export const leadTimeOf = (outcomes: readonly ProvisioningOutcome[]): LeadTime => {
  const recent = outcomes.slice(-MAX_OBSERVATIONS);
  const secondsOf = (outcome: ProvisioningOutcome): number =>
    Math.max(0, (outcome.endedAtMs - outcome.askedAtMs) / 1000);
  const observed = (seconds: number): Weighted => ({ seconds, weight: 1 });
  const successes = recent
    .filter((outcome) => outcome.got > 0)
    .map((outcome) => observed(secondsOf(outcome)));
  const priorWeight = 1 / (1 + recent.length / PRIOR_SECONDS.length);
  const prior = PRIOR_SECONDS.map((seconds) => ({ seconds, weight: priorWeight }));
  const medianSeconds = quantile([...successes, ...prior], 0.5);
  const failures = recent
    .filter((outcome) => outcome.got === 0)
    .map((outcome) => observed(secondsOf(outcome) + medianSeconds));
  return {
    seconds: quantile([...successes, ...failures, ...prior], LEAD_TIME_LEVEL),
    medianSeconds,
    observations: recent.length,
  };
};

/**
 * Encoders under way that may be counted on. One that is long overdue is not: the plan goes on without it, and its
 * need is asked for again.
 */
export const expectedEncoders = (
  pending: readonly PendingEncoder[],
  leadTime: LeadTime,
  atMs: number,
): PendingEncoder[] =>
  pending.filter((p) => atMs - p.askedAtMs <= OVERDUE_LEAD_TIMES * leadTime.seconds * 1000);

/**
 * Until when no more should be asked for, wall-clock milliseconds: after each failure in a row twice as long, from
 * 15 s to 5 minutes; 0 when the last request brought anything, or ended in the future: the clock was set back since.
 */
export const askAgainAtMs = (outcomes: readonly ProvisioningOutcome[], atMs: number): number => {
  const byEnd = [...outcomes].sort((a, b) => a.endedAtMs - b.endedAtMs);
  // What was asked for at the same time and fails at the same time is one failure.
  const failures = new Set<number>();
  for (let i = byEnd.length - 1; i >= 0 && byEnd[i]?.got === 0; i--) failures.add(byEnd[i]?.askedAtMs ?? 0);
  if (failures.size === 0) return 0;
  const waitSeconds = Math.min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** (failures.size - 1));
  const lastEndedAtMs = byEnd[byEnd.length - 1]?.endedAtMs ?? 0;
  return lastEndedAtMs > atMs ? 0 : lastEndedAtMs + waitSeconds * 1000;
};

/** Zones whose last request failed a short while ago: while others give encoders, the next ones are asked for there. */
export const failingZones = (outcomes: readonly ProvisioningOutcome[], atMs: number): Set<string> => {
  const failing = new Set<string>();
  for (const { zone, got, endedAtMs } of [...outcomes].sort((a, b) => a.endedAtMs - b.endedAtMs)) {
    if (zone === undefined) continue;
    if (got > 0) failing.delete(zone);
    else if (endedAtMs <= atMs && atMs - endedAtMs < LONGEST_RETRY_SECONDS * 1000) failing.add(zone);
  }
  return failing;
};
