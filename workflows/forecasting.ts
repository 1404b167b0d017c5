import { setCurrentDetails } from '@temporalio/workflow';
import type { IssuedForecast } from '../activities';
import { prompt } from './steps';

/** Runs on a Schedule: issues the cell's forecast. The curves go to the store; here stays what names them. */
export const forecasting = async (): Promise<IssuedForecast> => {
  const issued = await prompt.issueForecast.executeWithOptions(
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
      `- at most ${peakUnitsP90.toFixed(1)} encode units at P90`,
  );
  return issued;
};
