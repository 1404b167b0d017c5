import { plot, type PlotConfig } from 'asciichart';
import type { DemandCurve } from '../domain';

const HEIGHT_ROWS = 14;
const LABEL_COLUMNS = 9;
/** A label, a blank, and the axis itself. */
const AXIS_COLUMNS = LABEL_COLUMNS + 2;
/** So that a curve of zeros has an axis too. */
const LEAST_RANGE = 0.01;
const MIN_COLUMNS = 40;
const MAX_STRETCH = 4;

/** asciichart's symbols, in its order: two for the axis, then the ends, the line, its corners and the upright. */
type ChartSymbols = NonNullable<PlotConfig['symbols']>;
const LIGHT: ChartSymbols = ['┼', '┤', '╶', '╴', '─', '╰', '╭', '╮', '╯', '│'];
const HEAVY: ChartSymbols = ['┼', '┤', '╺', '╸', '━', '┗', '┏', '┓', '┛', '┃'];
const DOTS: ChartSymbols = ['┼', '┤', '·', '·', '·', '·', '·', '·', '·', '·'];

const COLOURS = { past: '\u001b[36m', middle: '\u001b[1m', band: '\u001b[33m', off: '\u001b[0m' };

export interface PlottedForecast {
  title: string;
  /** Latest steps before the forecast, oldest first; null = hole. */
  history: readonly (number | null)[];
  curve: DemandCurve;
  /** Begin of the first forecast step, wall-clock milliseconds. */
  firstMs: number;
  stepSeconds: number;
  /** Columns of the terminal. */
  columns: number;
  colour: boolean;
}

/** Each step as `stretch` columns, on a straight line to the next one. */
const stretched = (values: readonly number[], stretch: number): number[] =>
  values.flatMap((value, i) => {
    const next = values[i + 1];
    return next === undefined
      ? [value]
      : Array.from({ length: stretch }, (_, k) => value + ((next - value) * k) / stretch);
  });

const label = (value: number): string => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  // Rounding leaves -0.00 at the foot of the axis.
  return (Math.abs(value) < 0.005 ? 0 : value).toFixed(digits).padStart(LABEL_COLUMNS);
};

const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19);

interface Layer {
  /** One value per column; NaN = nothing to draw. */
  values: number[];
  symbols: ChartSymbols;
  colour: string;
}

interface Run {
  begin: number;
  values: number[];
}

/** The stretches of a layer without holes: asciichart can't draw holes. */
const runsOf = (values: readonly number[]): Run[] => {
  const runs: Run[] = [];
  values.forEach((value, column) => {
    if (Number.isNaN(value)) return;
    const last = runs[runs.length - 1];
    if (last && last.begin + last.values.length === column) last.values.push(value);
    else runs.push({ begin: column, values: [value] });
  });
  return runs;
};

/** Drawn one over another on the same axis; a layer covers those before it. */
const overlaid = (layers: readonly Layer[], colour: boolean): string[] => {
  const known = layers.flatMap((layer) => layer.values).filter((v) => !Number.isNaN(v));
  const max = Math.max(...known, LEAST_RANGE);
  const draw = (values: number[], symbols: ChartSymbols): string[][] =>
    plot(values, { height: HEIGHT_ROWS, min: 0, max, symbols, format: label })
      .split('\n')
      .map((row) => [...row]);
  const rows = draw([0], LIGHT).map((axis) => [...axis]);
  for (const { values, symbols, colour: paint } of layers) {
    for (const run of runsOf(values)) {
      draw(run.values, symbols).forEach((drawn, row) => {
        const target = rows[row] as string[];
        drawn.slice(AXIS_COLUMNS).forEach((symbol, column) => {
          const at = AXIS_COLUMNS + run.begin + column;
          while (target.length <= at) target.push(' ');
          if (symbol !== ' ') target[at] = colour ? `${paint}${symbol}${COLOURS.off}` : symbol;
        });
      });
    }
  }
  return rows.map((row) => row.join('').trimEnd());
};

/** Lines of a chart: the past as a thin line, P50 as a thick one, P10 and P90 dotted, with both axes labelled. */
export const plotForecast = (f: PlottedForecast): string[] => {
  const steps = f.history.length + f.curve.p50.length;
  const room = Math.max(MIN_COLUMNS, f.columns) - AXIS_COLUMNS - 1;
  const stretch = Math.max(1, Math.min(MAX_STRETCH, Math.floor(room / Math.max(1, steps))));
  const past = stretched(
    f.history.map((v) => v ?? NaN),
    stretch,
  );
  // The curves begin where the past ends, so that the eye follows.
  const last = f.history.findLast((v) => v !== null) ?? null;
  const gap = new Array<number>(Math.max(0, (f.history.length - 1) * stretch)).fill(NaN);
  const ahead = (values: readonly number[]): number[] => [
    ...gap,
    ...stretched(last === null ? values : [last, ...values], stretch),
  ];
  const rows = overlaid(
    [
      { values: ahead(f.curve.p10), symbols: DOTS, colour: COLOURS.band },
      { values: ahead(f.curve.p90), symbols: DOTS, colour: COLOURS.band },
      { values: past, symbols: LIGHT, colour: COLOURS.past },
      { values: ahead(f.curve.p50), symbols: HEAVY, colour: COLOURS.middle },
    ],
    f.colour,
  );
  const stepMs = f.stepSeconds * 1000;
  const width = (steps - 1) * stretch + 1;
  const now = (f.history.length - 1) * stretch;
  const marks: [number, string][] = [
    [0, clock(f.firstMs - f.history.length * stepMs)],
    [now, 'now'],
    [width - 8, clock(f.firstMs + f.curve.p50.length * stepMs)],
  ];
  let axis = '';
  for (const [column, text] of marks) {
    if (column < axis.length + 1 && axis !== '') continue;
    axis = axis.padEnd(column) + text;
  }
  return [
    f.title,
    '',
    ...rows,
    `${' '.repeat(AXIS_COLUMNS)}${axis}`,
    '',
    `${' '.repeat(AXIS_COLUMNS)}─ measured   ━ P50   · P10 and P90   (times in UTC)`,
  ];
};
