import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ForecastReference } from '../../activities';
import type { CycleResult } from '../../src/domain';
import type { Cause } from '../kit/failures';

/** What became of one decision. */
export type Act = CycleResult['acted'][number];

/** What every record of a cycle begins with. */
export const recordOf = (
  forecast: ForecastReference | null,
): Pick<CycleResult, 'workflowId' | 'forecastId' | 'forecastModel'> => ({
  workflowId: workflowInfo().workflowId,
  forecastId: forecast?.forecastId ?? null,
  forecastModel: forecast?.model ?? null,
});

/** The plan of a cycle that could not look at the swarm: none. */
export const nothingSeen = (
  { code, message }: Cause,
  lowDemandSinceMs: number | null,
): Pick<CycleResult, 'fitness' | 'plan' | 'acted' | 'unreachable'> => ({
  fitness: [],
  plan: { moves: [], scale: { kind: 'none' }, unmet: [], lowDemandSinceMs },
  acted: [{ what: 'observe', accepted: false, why: `${code}: ${message}` }],
  unreachable: [],
});

/** A cycle without a forecast plans all the same, and says so. */
export const actOfForecast = (forecast: ForecastReference | null): Act[] =>
  forecast
    ? []
    : [{ what: 'forecast', accepted: false, why: 'none is at most a minute old: planned on present needs' }];

/** The record, also as Temporal's UI shows it. */
export const recorded = (result: CycleResult): CycleResult => {
  setCurrentDetails(inWords(result));
  return result;
};

const inWords = ({
  forecastId,
  forecastModel,
  fitness,
  plan,
  acted,
  unreachable,
  updates = [],
}: CycleResult): string =>
  [
    `### ${plan.moves.length} move(s), scale ${plan.scale.kind}`,
    `- forecast: ${forecastId ?? 'none'} ${forecastModel ?? ''}`,
    ...(unreachable.length > 0 ? [`- silent: ${unreachable.join(', ')}`] : []),
    ...fitness.map((f) => `- ${f.encoderId}: fitness ${f.score.toFixed(2)}, weakest: ${f.weakestTerm}`),
    ...(plan.regions ?? []).map(
      (r) =>
        `- CDN of ${r.region}: ${Math.round(r.peakLoadP90 * 100)} % at P90${r.congested ? ', congested' : ''}`,
    ),
    ...(plan.scale.kind === 'none' ? [] : [`- scale: ${plan.scale.reason}`]),
    ...plan.moves.map((move) => `- ${move.explanation.summary}`),
    ...plan.unmet.map(({ why }) => `- unmet: ${why}`),
    ...updates.map(({ why }) => `- to synchronise: ${why}`),
    ...acted.map(({ what, accepted: yes, why }) => `- ${what}: ${yes ? 'accepted' : `refused, ${why}`}`),
  ].join('\n');
