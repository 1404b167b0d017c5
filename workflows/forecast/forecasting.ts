import { patched, setCurrentDetails } from '@temporalio/workflow';
import type { IssuedForecast, ScoredForecasts } from '../../activities';
import { twoTries4s } from '../kit/steps';

/**
 * Runs on a Schedule: compares earlier forecasts with what came, and issues the cell's next one. The curves go to the
 * store; here stays what names them. A comparison that fails costs the forecast nothing but what it would have taught.
 */
export const forecasting = async (): Promise<IssuedForecast> => {
  const scored = patched('score-forecasts') ? await score() : null;
  const issued = await twoTries4s.issueForecast.executeWithOptions(
    {
      summary: 'history in, demand curves out',
      startToCloseTimeout: '8 seconds',
      heartbeatTimeout: '4 seconds',
    },
    [],
  );
  const { forecastId, model, channels, held, peakUnitsP90 } = issued;
  setCurrentDetails(
    `### Forecast ${forecastId}\n- ${model}, ${channels} channels, ${held.length} held at their level\n` +
      `- at most ${peakUnitsP90.toFixed(1)} encode units at P90${scored ? `\n${inWords(scored)}` : ''}`,
  );
  return issued;
};

const score = (): Promise<ScoredForecasts | null> =>
  twoTries4s.scoreForecasts
    .executeWithOptions(
      {
        summary: 'what was forecast against what came',
        startToCloseTimeout: '6 seconds',
        scheduleToCloseTimeout: '10 seconds',
        heartbeatTimeout: '4 seconds',
      },
      [],
    )
    .catch(() => null);

const inWords = ({ scored, drifts }: ScoredForecasts): string =>
  `- ${scored} earlier steps scored` + (drifts.length > 0 ? `\n- drift: ${drifts.join(', ')}` : '');
