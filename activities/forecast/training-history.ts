import type { ChannelSpec } from '../../src/domain';
import { eventLevels, meanEventLevels, type EventAudience, type StepGrid } from '../../src/forecast';
import type { Dataset } from '../../src/models';
import type { ForecastInputReader } from './forecast-inputs';
import { HISTORY_DAYS, HORIZON_STEPS, SEASON_STEPS } from './forecast-shape';

type History = readonly (number | null)[];

/** First step of any series that was measured; the number of steps where none was. */
const firstMeasured = (histories: readonly History[], steps: number): number =>
  histories.reduce((first, history) => {
    const own = history.findIndex((value) => value !== null);
    return own < 0 ? first : Math.min(first, own);
  }, steps);

/**
 * History of all that the cell forecasts: viewers of channels and regions, CDN load of regions, each with the levels
 * of its known events. Begins with the first step measured; series of nothing but holes are left out.
 * @throws SwarmError unavailable, timeout: the audience can't be read
 */
export const readTrainingHistory = async (
  reader: ForecastInputReader,
  options: { cell: string; channels: readonly ChannelSpec[]; stepSeconds: number; endMs: number },
): Promise<Dataset> => {
  const { cell, channels, stepSeconds, endMs } = options;
  const steps = HISTORY_DAYS * SEASON_STEPS;
  const read = await reader.read({ channels, stepSeconds, steps, horizonSteps: HORIZON_STEPS, endMs });
  const { viewersHistory, regionViewersHistory = {}, regionLoadHistory = {}, events = [] } = read;

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
