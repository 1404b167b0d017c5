import type {
  CellForecast,
  DemandCurve,
  IssuedStep,
  LatestFeedback,
  ScoredKind,
  ScoredStep,
} from '../domain';
import { seriesKey } from './cell-forecast';
import { learnFromStep, NO_FEEDBACK, scoredLeads, scoreStep } from './lead-feedback';
import { SEASON_STEPS } from './shape';
import { firstTargetMs } from './upcoming';

/** After a pause the oldest steps are given up, so that one run stays short. */
const MAX_TARGETS = 96;

/** The steps of a forecast that are stored with their lead, to be compared with what comes. */
export const issuedSteps = (forecast: CellForecast): IssuedStep[] => {
  const { stepSeconds, issuedAtMs, horizonSteps } = forecast;
  const first = firstTargetMs(issuedAtMs, stepSeconds);
  const of = (kind: ScoredKind, curves: Record<string, DemandCurve>): IssuedStep[] =>
    Object.entries(curves).flatMap(([id, { p10, p50, p90 }]) =>
      scoredLeads(horizonSteps).flatMap((lead) => {
        const [low, middle, high] = [p10[lead - 1], p50[lead - 1], p90[lead - 1]];
        if (low === undefined || middle === undefined || high === undefined) return [];
        const targetMs = first + (lead - 1) * stepSeconds * 1000;
        return [{ kind, id, lead, targetMs, p10: low, p50: middle, p90: high }];
      }),
    );
  return [...of('viewers', forecast.viewers), ...of('region_load', forecast.regionLoad ?? {})];
};

/** Realised values of both kinds over one window, by `seriesKey`. */
interface Realised {
  startMs: number;
  stepMs: number;
  values: Map<string, (number | null)[]>;
}

const valueAt = ({ startMs, stepMs, values }: Realised, key: string, atMs: number): number | null =>
  values.get(key)?.[Math.round((atMs - startMs) / stepMs)] ?? null;

/** Scores what has come true since each series was scored last, step by step. */
export const scoreIssued = (
  issued: readonly IssuedStep[],
  latest: readonly LatestFeedback[],
  realised: Realised,
): { scores: ScoredStep[]; alarms: ScoredStep[] } => {
  const nameOf = ({ kind, id, lead }: IssuedStep | LatestFeedback): string => `${kind}/${id}/${lead}`;
  const known = new Map(latest.map((feedback) => [nameOf(feedback), feedback]));
  const scores: ScoredStep[] = [];
  const alarms: ScoredStep[] = [];
  for (const step of issued) {
    const { kind, id, lead, targetMs } = step;
    const before = known.get(nameOf(step));
    if (before && targetMs <= before.targetMs) continue;
    const value = valueAt(realised, seriesKey(kind, id), targetMs);
    if (value === null) continue;
    const naive = valueAt(realised, seriesKey(kind, id), targetMs - SEASON_STEPS * realised.stepMs);
    const score = scoreStep(step, value, naive);
    const { feedback, alarm } = learnFromStep(before ?? NO_FEEDBACK, score, lead);
    const scored: ScoredStep = { kind, id, lead, targetMs, ...score, ...feedback };
    known.set(nameOf(step), scored);
    scores.push(scored);
    if (alarm) alarms.push(scored);
  }
  return { scores, alarms };
};

/** Begin of the first step that some series has not been scored for yet. */
export const oldestUnscoredMs = (
  latest: readonly LatestFeedback[],
  endMs: number,
  stepMs: number,
): number => {
  const longestAgoMs = endMs - MAX_TARGETS * stepMs;
  if (latest.length === 0) return longestAgoMs;
  const newestMs = Math.max(...latest.map(({ targetMs }) => targetMs));
  // Series end when channels are removed; only those that are still scored decide. A horizon of leads lies between.
  const live = latest.filter(({ targetMs }) => newestMs - targetMs <= SEASON_STEPS * stepMs);
  return Math.max(longestAgoMs, Math.min(...live.map(({ targetMs }) => targetMs)));
};
