const namespace = 'http://www.w3.org/2000/svg';
const width = 140;
const height = 30;

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | number>} attributes
 */
const shape = (name, attributes) => {
  const node = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
};

/** A small picture of an audience: its past as a line, then P50 (dashed) with the band up to P90. */
export const createSparkline = () => {
  const past = shape('polyline', { class: 'past' });
  const middle = shape('polyline', { class: 'p50' });
  const band = shape('polygon', { class: 'band' });
  const now = shape('line', { class: 'now', y1: 0, y2: height });
  const node = shape('svg', {
    class: 'sparkline',
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  node.append(band, past, middle, now);

  /** @param {import('../../src/contracts/api').Forecasts['channels'][number]} channel */
  const update = (channel) => {
    const history = channel.viewersHistory.map((point) => point.value);
    const { p10, p50, p90 } = channel.viewers ?? { p10: [], p50: [], p90: [] };
    const steps = history.length + p50.length;
    const highest = Math.max(1, ...history.flatMap((value) => value ?? []), ...p90);
    /** @param {number} step */
    const x = (step) => (steps < 2 ? 0 : (step / (steps - 1)) * width).toFixed(1);
    /** @param {number} value */
    const y = (value) => (height - 1 - (value / highest) * (height - 2)).toFixed(1);
    /**
     * @param {(number | null)[]} values
     * @param {number} from
     */
    const line = (values, from) =>
      values.flatMap((value, i) => (value === null ? [] : [`${x(from + i)},${y(value)}`])).join(' ');
    const start = history.length;
    past.setAttribute('points', line(history, 0));
    middle.setAttribute('points', line(p50, start));
    const back = p10.map((value, i) => ({ value, step: start + i })).reverse();
    band.setAttribute(
      'points',
      [line(p90, start), ...back.map(({ value, step }) => `${x(step)},${y(value)}`)].join(' '),
    );
    now.setAttribute('x1', x(Math.max(0, start - 1)));
    now.setAttribute('x2', x(Math.max(0, start - 1)));
  };
  return { node, update };
};
