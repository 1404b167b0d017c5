import { log } from '@temporalio/activity';
import type { CellForecast, DemandCurve, IssuedStep, ScoredKind } from '../../src/domain';
import { learnFromStep, NO_FEEDBACK, scoredLeads, scoreStep, seriesKey } from '../../src/forecast';
import type { LatestFeedback, ScoredStep } from '../../src/telemetry/forecast-feedback';
import { firstTargetMs } from '../../src/telemetry/forecast-points';
import type { StepSeries } from '../../src/telemetry/forecast-inputs';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { ScoredForecasts } from '../kit/types';

const DAY_STEPS = 24;
/** The last points of a step may still be on their way. */
const SETTLE_MS = 2_000;
/** After a pause the oldest steps are given up, so that one run stays short. */
const MAX_TARGETS = 96;
/** A series that was scored before this is taken up anew. */
const LATEST_WITHIN_STEPS = 7 * DAY_STEPS;
const MAX_DRIFTS_NAMED = 20;

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

/** Scores what has come true since each series was scored last, step by step. Pure. */
export const scoreIssued = (
  issued: readonly IssuedStep[],
  latest: readonly LatestFeedback[],
  realised: Realised,
): { scores: ScoredStep[]; alarms: ScoredStep[] } => {
  const nameOf = ({ kind, id, lead }: IssuedStep | LatestFeedback): string => `${kind}/${id}/${lead}`;
  const known = new Map(latest.map((one) => [nameOf(one), one]));
  const scores: ScoredStep[] = [];
  const alarms: ScoredStep[] = [];
  for (const step of issued) {
    const { kind, id, lead, targetMs } = step;
    const before = known.get(nameOf(step));
    if (before && targetMs <= before.targetMs) continue;
    const value = valueAt(realised, seriesKey(kind, id), targetMs);
    if (value === null) continue;
    const naive = valueAt(realised, seriesKey(kind, id), targetMs - DAY_STEPS * realised.stepMs);
    const score = scoreStep(step, value, naive);
    const { feedback, alarm } = learnFromStep(before ?? NO_FEEDBACK, score, lead);
    const scored: ScoredStep = { kind, id, lead, targetMs, ...score, ...feedback };
    known.set(nameOf(step), scored);
    scores.push(scored);
    if (alarm) alarms.push(scored);
  }
  return { scores, alarms };
};

/**
 * The feedback loop's activity: compares what was forecast with what came, per series and lead, and stores how it
 * fared and what the next forecasts should make of it. A retry starts from what is stored and learns the same.
 */
export const scoringActivities = ({
  cell,
  store,
  stepSeconds,
}: Pick<Dependencies, 'cell' | 'store' | 'stepSeconds'>) => ({
  scoreForecasts: (): Promise<ScoredForecasts> =>
    withHeartbeats(async () => {
      const stepMs = stepSeconds * 1_000;
      const endMs = firstTargetMs(Date.now() - SETTLE_MS, stepSeconds);
      const { inputs, feedback } = store;
      const latest = await feedback.latest({ cell, sinceMs: endMs - LATEST_WITHIN_STEPS * stepMs });
      const issued = await feedback.issued({
        cell,
        fromMs: oldestWanted(latest, endMs, stepMs),
        toMs: endMs,
      });
      const [first] = issued;
      if (!first) return { scored: 0, drifts: [] };
      const startMs = first.targetMs - DAY_STEPS * stepMs;
      const window = { cell, stepSeconds, steps: Math.round((endMs - startMs) / stepMs), endMs };
      const [audience, regionLoad] = await Promise.all([inputs.audience(window), inputs.regionLoad(window)]);
      const keyed = (kind: ScoredKind, series: StepSeries): [string, (number | null)[]][] =>
        Object.entries(series).map(([id, values]) => [seriesKey(kind, id), values]);
      const { scores, alarms } = scoreIssued(issued, latest, {
        startMs,
        stepMs,
        values: new Map([...keyed('viewers', audience.byChannel), ...keyed('region_load', regionLoad)]),
      });
      await feedback.writeScores(cell, scores);
      for (const { kind, id, lead, realised, bias } of alarms) {
        log.warn('forecast drift', { kind, id, lead, realised, forecast: realised + bias });
      }
      const drifts = [...new Set(alarms.map(({ kind, id }) => seriesKey(kind, id)))];
      return { scored: scores.length, drifts: drifts.slice(0, MAX_DRIFTS_NAMED) };
    }),
});

/** Begin of the first step that some series has not been scored for yet. */
const oldestWanted = (latest: readonly LatestFeedback[], endMs: number, stepMs: number): number => {
  const longestAgoMs = endMs - MAX_TARGETS * stepMs;
  if (latest.length === 0) return longestAgoMs;
  const newestMs = Math.max(...latest.map(({ targetMs }) => targetMs));
  // Series end when channels are removed; only those that are still scored decide. A horizon of leads lies between.
  const live = latest.filter(({ targetMs }) => newestMs - targetMs <= DAY_STEPS * stepMs);
  return Math.max(longestAgoMs, Math.min(...live.map(({ targetMs }) => targetMs)));
};
