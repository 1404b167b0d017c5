import uPlot from '../vendor/uplot/uPlot.esm.js';
import { byId, element, keyedList, setAttribute, setText } from './dom.js';
import * as format from './format.js';

/**
 * @typedef {import('../../src/contracts/api').Forecasts} Forecasts
 * @typedef {ReturnType<typeof subjectsOf>[number]} Subject
 */

const chartHeightPx = 170;
const style = window.getComputedStyle(document.documentElement);
/** @param {string} name */
const colour = (name) => style.getPropertyValue(`--${name}`).trim();

/**
 * 19:10 for 19:10:00, else with its seconds.
 * @param {number} time seconds since 1970
 */
const tick = (time) => format.clock(time * 1000).replace(/:00$/, '');

/**
 * @param {number} widthPx
 * @returns {uPlot.Options}
 */
const options = (widthPx) => {
  const axis = { stroke: colour('dim'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } };
  const line = { points: { show: false }, spanGaps: false };
  return {
    width: widthPx,
    height: chartHeightPx,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_chart, _low, high) => [0, Math.max(1, high * 1.08)] } },
    axes: [
      {
        ...axis,
        size: 26,
        space: 55,
        values: (_chart, times) => times.map(tick),
      },
      { ...axis, size: 34, space: 34 },
    ],
    series: [
      {},
      { ...line, stroke: colour('accent'), width: 2 },
      { ...line, stroke: colour('text'), width: 2, dash: [6, 4] },
      { ...line, stroke: 'transparent' },
      { ...line, stroke: 'transparent' },
      { ...line, stroke: colour('bad'), width: 1.5 },
      { ...line, stroke: colour('dim'), width: 1, dash: [2, 3] },
    ],
    bands: [{ series: [4, 3], fill: colour('band') }],
  };
};

/**
 * What one chart shows, of an encoder or of a region's CDN.
 * @param {Forecasts} forecasts
 */
const subjectsOf = (forecasts) => [
  ...forecasts.encoders.map((encoder) => ({
    key: `encoder ${encoder.id}`,
    name: encoder.id,
    note: encoder.channels.length ? encoder.channels.join(', ') : 'no channels',
    unit: 'units',
    history: encoder.unitsHistory,
    curve: encoder.units,
    limit: encoder.limitUnits,
    capacity: encoder.capacityUnits,
    events: forecasts.events.filter(
      ({ channelIds }) => channelIds.length === 0 || channelIds.some((id) => encoder.channels.includes(id)),
    ),
  })),
  ...forecasts.regions.map((region) => ({
    key: `region ${region.id}`,
    name: `CDN ${region.id}`,
    note: 'load, 1 is full',
    unit: 'of its capacity',
    history: region.loadHistory,
    curve: region.load,
    limit: null,
    capacity: 1,
    events: forecasts.events.filter((event) => event.region === undefined || event.region === region.id),
  })),
];

/**
 * Columns of uPlot: time, measured, P50, P10, P90, limit, capacity.
 * @param {Subject} subject
 * @param {Forecasts} forecasts
 * @returns {uPlot.AlignedData}
 */
const columnsOf = (subject, forecasts) => {
  const past = subject.history.filter((point) => point.value !== null);
  const startMs = forecasts.issuedAtMs ?? forecasts.atMs;
  const before = past.filter((point) => point.atMs <= startMs);
  const ahead = subject.curve?.p50 ?? [];
  const timesMs = [
    ...before.map((point) => point.atMs),
    ...ahead.map((_, i) => startMs + (i + 1) * forecasts.stepSeconds * 1000),
  ];
  /** @param {number[] | undefined} curve */
  const padded = (curve) => [...before.map(() => null), ...(curve ?? [])];
  /** @param {number | null} value */
  const level = (value) => timesMs.map(() => value);
  return [
    timesMs.map((ms) => ms / 1000),
    [...before.map((point) => point.value), ...ahead.map(() => null)],
    padded(subject.curve?.p50),
    padded(subject.curve?.p10),
    padded(subject.curve?.p90),
    level(subject.limit),
    level(subject.capacity),
  ];
};

/**
 * Draws each known event as a shaded time with its title, behind the lines.
 * @param {() => Forecasts['events']} eventsNow
 */
const eventMarkers = (eventsNow) => (/** @type {uPlot} */ chart) => {
  const { ctx: pen, bbox } = chart;
  for (const { title, startsAtMs, endsAtMs } of eventsNow()) {
    /** @param {number} ms */
    const at = (ms) => chart.valToPos(ms / 1000, 'x', true);
    const left = Math.max(bbox.left, at(startsAtMs));
    const right = Math.min(bbox.left + bbox.width, at(endsAtMs));
    if (right <= left) continue;
    pen.save();
    pen.beginPath();
    pen.rect(left, bbox.top, right - left, bbox.height);
    pen.fillStyle = colour('event');
    pen.fill();
    pen.fillStyle = colour('warn');
    pen.font = `${11 * window.devicePixelRatio}px system-ui, sans-serif`;
    pen.textBaseline = 'top';
    // A title wider than its time runs on to the right, or back from the edge.
    const widest = bbox.left + bbox.width - pen.measureText(title).width;
    pen.fillText(title, Math.max(bbox.left, Math.min(left + 4, widest)), bbox.top + 4);
    pen.restore();
  }
};

const createChart = () => {
  const name = element('b');
  const note = element('span', { class: 'hint' });
  const plot = element('div', { class: 'plot', role: 'img' });
  const node = element('figure', {}, element('figcaption', {}, name, note), plot);
  /** @type {uPlot | null} */
  let chart = null;
  /** @type {Forecasts['events']} */
  let events = [];
  const fit = new window.ResizeObserver(() =>
    chart?.setSize({ width: plot.clientWidth, height: chartHeightPx }),
  );
  fit.observe(plot);
  /** @param {{ subject: Subject, forecasts: Forecasts }} item */
  const update = ({ subject, forecasts }) => {
    const columns = columnsOf(subject, forecasts);
    events = subject.events;
    if (chart) chart.setData(columns);
    else {
      const hooks = { drawClear: [eventMarkers(() => events)] };
      chart = new uPlot({ ...options(plot.clientWidth || 300), hooks }, columns, plot);
    }
    setText(name, subject.name);
    setText(note, subject.note);
    const peak = subject.curve ? Math.max(...subject.curve.p90) : null;
    const limit = subject.limit === null ? '' : `; limit ${format.units(subject.limit)}`;
    const during = events.length ? `; known events: ${events.map(({ title }) => title).join(', ')}` : '';
    setAttribute(
      plot,
      'aria-label',
      `${subject.name}: forecast P90 peaks at ${format.units(peak)} ${subject.unit}${limit}${during}`,
    );
  };
  return { node, update };
};

const render = keyedList(byId('charts'), createChart);

/** @param {Forecasts} forecasts */
const showNextEvents = ({ events, atMs }) => {
  const next = events.filter(({ endsAtMs }) => endsAtMs > atMs).slice(0, 5);
  const line = byId('next-events');
  line.hidden = next.length === 0;
  setText(
    line,
    `Known events: ${next
      .map(
        ({ title, startsAtMs, endsAtMs }) =>
          `${title}, ${format.clock(startsAtMs)} to ${format.clock(endsAtMs)}`,
      )
      .join(' · ')}`,
  );
};

/** @param {Forecasts} forecasts */
export const showCharts = (forecasts) => {
  const drawable = subjectsOf(forecasts).filter(({ curve, history }) => curve || history.length);
  render(
    drawable.map((subject) => ({ subject, forecasts })),
    ({ subject }) => subject.key,
  );
  byId('charts-empty').hidden = drawable.length > 0;
  showNextEvents(forecasts);
};
