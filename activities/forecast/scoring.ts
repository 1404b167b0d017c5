import { log } from '@temporalio/activity';
import type { ScoredKind } from '../../src/domain';
import { SEASON_STEPS, firstTargetMs, oldestUnscoredMs, scoreIssued, seriesKey } from '../../src/forecast';
import type { StepSeries } from '../../src/telemetry';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';
import type { ScoredForecasts } from '../kit/types';

/** The last points of a step may still be on their way. */
const SETTLE_MS = 2_000;
/** A series that was last scored before this starts without what it had learned. */
const LATEST_WITHIN_STEPS = 7 * SEASON_STEPS;
const MAX_DRIFTS_NAMED = 20;

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
        fromMs: oldestUnscoredMs(latest, endMs, stepMs),
        toMs: endMs,
      });
      const [first] = issued;
      if (!first) return { scored: 0, drifts: [] };
      const startMs = first.targetMs - SEASON_STEPS * stepMs;
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
