import { SwarmError } from '../../src/domain';

export interface ModelScore {
  model: string;
  /** Pinball loss over that of the day-seasonal naive, geometric mean over the traces. */
  pinball: number;
  mase: number;
  cover80: number;
  over90: number;
  seconds: number;
}

export interface ScoreTable {
  models: ModelScore[];
  /** Pinball ratio by trace, then by model. */
  byTrace: Record<string, Record<string, number>>;
}

const CANDIDATE = 'candidate';
const NAIVE = 'SNaive(day)';

/**
 * Reads what the scorer prints: a table of pinball ratios by trace, an empty line, and a table of models.
 * @throws SwarmError internal when it prints something else
 */
export const parseScoreTable = (text: string): ScoreTable => {
  const lines = text.split('\n');
  const head = lines.findIndex((line) => /^model\s{2,}SNaive/.test(line));
  const foot = lines.findIndex((line) => /^model\s+pinball\s+MASE/.test(line));
  const names = (lines[head] ?? '')
    .trim()
    .split(/\s{2,}/)
    .slice(1);
  const byTrace: ScoreTable['byTrace'] = {};
  for (const line of lines.slice(head + 2, foot)) {
    const [trace, ...values] = line.trim().split(/\s+/);
    if (trace) byTrace[trace] = Object.fromEntries(names.map((name, i) => [name, Number(values[i])]));
  }
  const models = lines.slice(foot + 1).flatMap((line): ModelScore[] => {
    const [model, ...values] = line.trim().split(/\s+/);
    const [pinball, mase, cover80, over90, seconds] = values.map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return model && values.length === 5 ? [{ model, pinball, mase, cover80, over90, seconds }] : [];
  });
  if (head >= 0 && foot >= 0 && models.some((m) => m.model === CANDIDATE)) return { models, byTrace };
  throw new SwarmError(
    'internal',
    `The scorer printed no table with a candidate: ${text.slice(-300).trim() || 'nothing'}`,
    'Run it by hand with the same arguments to see why.',
  );
};

export interface ScoreSummary {
  pinball: number;
  mase: number;
  cover80: number;
  over90: number;
  /** Pinball ratio of the best single StatsForecast model of the same run; null when none ran. */
  bestPeer: number | null;
  bestPeerName: string | null;
}

export const summaryOf = ({ models }: ScoreTable): ScoreSummary => {
  const { pinball, mase, cover80, over90 } = models.find((m) => m.model === CANDIDATE)!;
  const peers = models.filter((m) => m.model !== CANDIDATE);
  // With only the naive that everything is divided by there is nobody to compare with.
  const best = peers.some((m) => m.model !== NAIVE)
    ? peers.reduce((a, b) => (b.pinball < a.pinball ? b : a))
    : null;
  return {
    ...{ pinball, mase, cover80, over90 },
    bestPeer: best?.pinball ?? null,
    bestPeerName: best?.model ?? null,
  };
};

/** Seconds of the candidate per series forecast, its start included. */
export const secondsPerSeries = (runs: readonly { table: ScoreTable; origins: number }[]): number => {
  let [seconds, series] = [0, 0];
  for (const { table, origins } of runs) {
    seconds += table.models.find((m) => m.model === CANDIDATE)!.seconds;
    series += origins * Object.keys(table.byTrace).length;
  }
  return seconds / Math.max(1, series);
};
