import uPlot from '../vendor/uplot/uPlot.esm.js';
import { byId, element, keyedList, setAttribute, setText } from './dom.js';
import * as format from './format.js';

const chartHeightPx = 170;
const style = window.getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();

/** 19:10 for 19:10:00, else with its seconds. */
const tick = (time) => format.clock(time * 1000).replace(/:00$/, '');

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

/** Columns of uPlot: time, measured, P50, P10, P90, limit, capacity. */
const columnsOf = (encoder, forecasts) => {
  const past = encoder.unitsHistory.filter((point) => point.value !== null);
  const startMs = forecasts.issuedAtMs ?? forecasts.atMs;
  const before = past.filter((point) => point.atMs <= startMs);
  const ahead = encoder.units?.p50 ?? [];
  const timesMs = [
    ...before.map((point) => point.atMs),
    ...ahead.map((_, i) => startMs + (i + 1) * forecasts.stepSeconds * 1000),
  ];
  const padded = (curve) => [...before.map(() => null), ...(curve ?? [])];
  const level = (value) => timesMs.map(() => value);
  return [
    timesMs.map((ms) => ms / 1000),
    [...before.map((point) => point.value), ...ahead.map(() => null)],
    padded(encoder.units?.p50),
    padded(encoder.units?.p10),
    padded(encoder.units?.p90),
    level(encoder.limitUnits),
    level(encoder.capacityUnits),
  ];
};

const createChart = (id) => {
  const note = element('span', { class: 'hint' });
  const plot = element('div', { class: 'plot', role: 'img' });
  const node = element('figure', {}, element('figcaption', {}, element('b', {}, id), note), plot);
  let chart = null;
  const fit = new window.ResizeObserver(() =>
    chart?.setSize({ width: plot.clientWidth, height: chartHeightPx }),
  );
  fit.observe(plot);
  const update = ({ encoder, forecasts }) => {
    const columns = columnsOf(encoder, forecasts);
    if (chart) chart.setData(columns);
    else chart = new uPlot(options(plot.clientWidth || 300), columns, plot);
    const peak = encoder.units ? Math.max(...encoder.units.p90) : null;
    const channels = encoder.channels.length ? encoder.channels.join(', ') : 'no channels';
    setText(note, channels);
    setAttribute(
      plot,
      'aria-label',
      `${id}: forecast P90 peaks at ${format.units(peak)} units; limit ${format.units(encoder.limitUnits)}`,
    );
  };
  return { node, update };
};

const render = keyedList(byId('charts'), createChart);

export const showCharts = (forecasts) => {
  const drawable = forecasts.encoders.filter((encoder) => encoder.units || encoder.unitsHistory.length);
  render(
    drawable.map((encoder) => ({ encoder, forecasts })),
    ({ encoder }) => encoder.id,
  );
  byId('charts-empty').hidden = drawable.length > 0;
};
