import type { ChannelSpec } from '../domain';
import {
  HISTORY_DAYS,
  HORIZON_STEPS,
  SEASON_STEPS,
  eventLevels,
  meanEventLevels,
  type CellForecastInput,
  type EventAudience,
  type StepGrid,
} from '../forecast';
import type { Dataset } from './training-files';

type History = readonly (number | null)[];

/** First step of any series that was measured; the number of steps where none was. */
const firstMeasured = (histories: readonly History[], steps: number): number =>
  histories.reduce((first, history) => {
    const own = history.findIndex((value) => value !== null);
    return own < 0 ? first : Math.min(first, own);
  }, steps);

/** What was read for a forecast: one value a step, oldest first, null = hole. */
export type MeasuredHistory = Pick<
  CellForecastInput,
  'viewersHistory' | 'regionViewersHistory' | 'regionLoadHistory' | 'events'
>;

/**
 * History of all that the cell forecasts: viewers of channels and regions, CDN load of regions, each with the levels
 * of its known events. Begins with the first step measured; series of nothing but holes are left out.
 * @param read HISTORY_DAYS of SEASON_STEPS steps that end at `endMs`
 */
export const trainingDataset = (
  read: MeasuredHistory,
  options: { cell: string; channels: readonly ChannelSpec[]; stepSeconds: number; endMs: number },
): Dataset => {
  const { cell, channels, stepSeconds, endMs } = options;
  const { viewersHistory, regionViewersHistory = {}, regionLoadHistory = {}, events = [] } = read;
  const steps = HISTORY_DAYS * SEASON_STEPS;

  const audiences = channels.map(({ id, region }): EventAudience => ({ channelId: id, region }));
  const ofRegion = (region: string): EventAudience[] => audiences.filter((a) => a.region === region);
  type Levels = (grid: StepGrid) => number[] | null;
  const found: { id: string; history: History; levels: Levels }[] = [
    ...audiences.map((audience) => ({
      id: `viewers/${audience.channelId}`,
      history: viewersHistory[audience.channelId] ?? [],
      levels: (grid: StepGrid) => eventLevels(events, audience, grid),
    })),
    ...Object.entries({ region_viewers: regionViewersHistory, region_load: regionLoadHistory }).flatMap(
      ([kind, byRegion]) =>
        Object.entries(byRegion).map(([region, history]) => ({
          id: `${kind}/${region}`,
          history,
          levels: (grid: StepGrid) => meanEventLevels(events, ofRegion(region), grid),
        })),
    ),
  ];
  const measured = found.filter(({ history }) => history.some((value) => value !== null));
  const first = firstMeasured(
    measured.map(({ history }) => history),
    steps,
  );
  const startMs = endMs - (steps - first) * stepSeconds * 1_000;
  const grid: StepGrid = { startMs, stepSeconds, steps: steps - first + HORIZON_STEPS };
  return {
    description: `viewers and CDN load of cell ${cell}`,
    stepSeconds,
    daySteps: SEASON_STEPS,
    horizonSteps: HORIZON_STEPS,
    startMs,
    series: measured.map(({ id, history, levels }) => {
      const known = levels(grid);
      return { id, history: history.slice(first), ...(known && { eventLevels: known }) };
    }),
  };
};
