import type { Command } from 'commander';
import { loadDefaultForecaster } from '../default-forecaster';
import { UnusableInput } from '../failure';
import { forecastJsonl, readStandardInput } from '../forecast-jsonl';

interface ForecastCommandOptions {
  jsonl?: boolean;
}

export const addForecast = (program: Command): void => {
  program
    .command('forecast')
    .description('forecast demand: P10, P50 and P90 for each step ahead')
    .option(
      '--jsonl',
      'forecast the series on standard input, one JSON object a line; needs no running swarm',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm forecast --jsonl < series.jsonl > forecasts.jsonl\n' +
        '  echo \'{"id":"a","stepSeconds":3600,"start":"2026-01-01T00:00:00Z","history":[3,4,5],"horizon":2}\' | encoder-swarm forecast --jsonl',
    )
    .action(async (options: ForecastCommandOptions) => {
      if (!options.jsonl)
        throw new UnusableInput(
          'Nothing to forecast was named.',
          'Forecast JSON lines with --jsonl; see encoder-swarm forecast --help.',
        );
      const input = await readStandardInput();
      const { forecaster } = await loadDefaultForecaster();
      process.stdout.write(forecastJsonl(input, forecaster));
    });
};
