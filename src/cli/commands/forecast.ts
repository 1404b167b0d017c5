import type { Command } from 'commander';
import { loadDefaultForecaster } from '../../models';
import { UnusableInput } from '../failure';
import { forecastJsonl, readStandardInput } from '../forecast-jsonl';
import { addForecastViews, showForecast } from './forecast-views';

interface ForecastCommandOptions {
  jsonl?: boolean;
  plot?: boolean;
}

export const addForecast = (program: Command): void => {
  const forecast = program
    .command('forecast')
    .description('forecast demand: P10, P50 and P90 for each step ahead')
    .argument('[subject]', 'channel (viewers), encoder (encode units) or region (CDN load)')
    .option('--plot', 'draw the curve beside its recent past')
    .option(
      '--jsonl',
      'forecast the series on standard input, one JSON object a line; needs no running swarm',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm forecast ch-1 --plot\n  encoder-swarm forecast score\n  encoder-swarm forecast what-if ch-1 enc-2\n' +
        '  encoder-swarm forecast --jsonl < series.jsonl > forecasts.jsonl\n' +
        '  echo \'{"id":"a","stepSeconds":3600,"start":"2026-01-01T00:00:00Z","history":[3,4,5],"horizon":2}\' | encoder-swarm forecast --jsonl',
    )
    .action(async (subject: string | undefined, options: ForecastCommandOptions, command: Command) => {
      if (options.jsonl && subject === undefined) {
        const input = await readStandardInput();
        const { forecaster } = await loadDefaultForecaster();
        process.stdout.write(forecastJsonl(input, forecaster));
      } else if (subject !== undefined && !options.jsonl) {
        await showForecast(subject, options, command);
      } else {
        throw new UnusableInput(
          subject === undefined
            ? 'Nothing to forecast was named.'
            : 'Either name what to forecast or give JSON lines, not both.',
          'Name a channel, an encoder or a region, or forecast JSON lines with --jsonl; see encoder-swarm forecast --help.',
        );
      }
    });
  addForecastViews(forecast);
};
