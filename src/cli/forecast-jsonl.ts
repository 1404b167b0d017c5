import { z } from 'zod';
import { knownTimeZoneSchema } from '../domain';
import type { SeriesForecaster, SeriesToForecast } from '../forecast';
import { UnusableInput } from './failure';

const MAX_HORIZON_STEPS = 10_000;
const MAX_HISTORY_STEPS = 1_000_000;
/** So many bad lines are named; the rest is counted. */
const MAX_NAMED_LINES = 10;

const value = z.number().nullable();

/** One line of input: the series and what to forecast of it. */
export const forecastLineSchema = z
  .object({
    id: z.string().min(1).max(1_000),
    stepSeconds: z.int().min(1).max(31_536_000),
    /** Moment of history[0]. Without an offset it is taken as UTC. */
    start: z.iso.datetime({ offset: true, local: true }),
    /** null is a hole. */
    history: z.array(value).max(MAX_HISTORY_STEPS),
    horizon: z.int().min(1).max(MAX_HORIZON_STEPS),
    /** Level of known events per step over history and horizon; 0 where there is none. */
    eventLevels: z.array(z.number().min(0)).optional(),
    /** Where its days are by local time; without it they begin at the same moment all year round. */
    timeZone: knownTimeZoneSchema.optional(),
  })
  .refine((line) => !line.eventLevels || line.eventLevels.length === line.history.length + line.horizon, {
    path: ['eventLevels'],
    message: 'needs one level per step of history and horizon',
  });

/**
 * NaN and Infinity are no JSON, but Python's json module writes them: here they become null, which is a hole.
 * Strings are matched first, so that what stands in them stays.
 */
const withoutPythonNumbers = (line: string): string =>
  line.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : 'null',
  );

const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return JSON.parse(withoutPythonNumbers(line)) as unknown;
  }
};

const startMsOf = (start: string): number =>
  Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(start) ? start : `${start}Z`);

/** @throws Error whose message tells what is wrong with the line */
const parseLine = (line: string): SeriesToForecast => {
  const parsed = forecastLineSchema.safeParse(parseJson(line));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') || 'line'}: ${issue?.message ?? 'not usable'}`);
  }
  const { id, stepSeconds, start, history, horizon, eventLevels, timeZone } = parsed.data;
  return {
    id,
    stepSeconds,
    startMs: startMsOf(start),
    history,
    horizonSteps: horizon,
    ...(eventLevels && { eventLevels }),
    ...(timeZone !== undefined && { timeZone }),
  };
};

/**
 * Reads the series of JSON lines; blank lines count, but are skipped.
 * @throws UnusableInput that names each bad line by its number; then nothing was forecast
 */
export const parseForecastLines = (text: string): SeriesToForecast[] => {
  const faults: string[] = [];
  const series: SeriesToForecast[] = [];
  // Some editors begin a file with a byte order mark, which nobody sees.
  text
    .replace(/^\ufeff/, '')
    .split('\n')
    .forEach((line, i) => {
      if (line.trim() === '') return;
      try {
        series.push(parseLine(line));
      } catch (error) {
        faults.push(`line ${i + 1}: ${(error as Error).message}`);
      }
    });
  if (faults.length === 0) return series;
  const more = faults.length > MAX_NAMED_LINES ? `\n  and ${faults.length - MAX_NAMED_LINES} more` : '';
  throw new UnusableInput(
    `${faults.length} of the lines can't be forecast; nothing was written.\n  ${faults.slice(0, MAX_NAMED_LINES).join('\n  ')}${more}`,
    'Each line is {"id", "stepSeconds", "start" (ISO 8601), "history": [number or null], "horizon"}; see docs/explanation/forecasting.md.',
  );
};

/**
 * Forecasts JSON lines: one answer `{"id", "p10", "p50", "p90"}` a line, in the order of the input.
 *
 * Every line is a series of its own, even when two have the same id: nothing is carried from one to another.
 * @throws UnusableInput before anything is forecast
 */
export const forecastJsonl = (text: string, forecaster: SeriesForecaster): string => {
  const series = parseForecastLines(text);
  return forecaster
    .forecast(series)
    .map(({ curve: { p10, p50, p90 } }, i) => `${JSON.stringify({ id: series[i]?.id, p10, p50, p90 })}\n`)
    .join('');
};

/** @throws UnusableInput where a terminal, not a file or a pipe, would have to be read */
export const readStandardInput = async (): Promise<string> => {
  if (process.stdin.isTTY)
    throw new UnusableInput(
      '--jsonl reads JSON lines from standard input, which is a terminal.',
      'Redirect it: encoder-swarm forecast --jsonl < series.jsonl > forecasts.jsonl',
    );
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};
