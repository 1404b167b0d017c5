import { byId, element, keyedList, setAttribute, setText, within } from './dom.js';
import * as format from './format.js';

/** @typedef {import('../../src/contracts/api').Accuracy} Accuracy */
/** @typedef {Accuracy['series'][number]} Series */

/** @param {Series} series */
const nameOf = ({ kind, id }) => (kind === 'viewers' ? `${id} viewers` : `CDN load ${id}`);

/**
 * How far a share may be off before it stands out: beyond what chance explains with so few steps.
 * @param {number} share
 * @param {number} count
 */
const tolerance = (share, count) => 3 * Math.sqrt((share * (1 - share)) / Math.max(1, count)) + 0.03;

/**
 * @param {string} label
 * @param {Record<string, string>} attributes
 */
const cell = (label, attributes = {}) => element('td', { 'data-label': label, ...attributes });

const createRow = () => {
  const series = element('th', { scope: 'row' });
  const ahead = cell('Steps ahead', { class: 'number' });
  const count = cell('Steps scored', { class: 'number' });
  const coverage = cell('Within P10 to P90', { class: 'number' });
  const over = cell('Above P90', { class: 'number' });
  const mase = cell('MASE', { class: 'number' });
  const band = cell('Band', { class: 'number' });
  const drift = cell('Drift');
  const pill = element('span', { class: 'pill' });
  drift.append(pill);
  const node = element('tr', {}, series, ahead, count, coverage, over, mase, band, drift);
  /** @param {Series} one */
  const update = (one) => {
    setText(series, nameOf(one));
    setText(ahead, one.lead);
    setText(count, one.count);
    setText(coverage, format.percent(one.coverage));
    setText(over, format.percent(one.over90));
    const off = Math.abs(one.coverage - 0.8) > tolerance(0.8, one.count);
    setAttribute(coverage, 'data-level', off ? 'warn' : null);
    setText(mase, format.score(one.mase));
    setText(band, `−${format.units(one.widthLow)} +${format.units(one.widthHigh)}`);
    setText(pill, one.drifting ? 'drifts' : 'steady');
    setAttribute(pill, 'data-level', one.drifting ? 'warn' : 'good');
  };
  return { node, update };
};

const render = keyedList(within(byId('accuracy'), 'tbody', HTMLTableSectionElement), createRow);

/**
 * The nearest and the farthest lead of each series, and every one that drifts.
 * @param {Series[]} series
 */
const worthShowing = (series) => {
  /** @type {Map<string, number>} */
  const farthest = new Map();
  for (const { kind, id, lead } of series) {
    const key = `${kind}/${id}`;
    farthest.set(key, Math.max(farthest.get(key) ?? 0, lead));
  }
  return series.filter(
    ({ kind, id, lead, drifting }) => drifting || lead === 1 || lead === farthest.get(`${kind}/${id}`),
  );
};

/** @param {Accuracy} accuracy */
export const showAccuracy = ({ series, model, errorCorrelation }) => {
  render(worthShowing(series), ({ kind, id, lead }) => `${kind}/${id}/${lead}`);
  const correlation =
    errorCorrelation === null ? '' : ` · errors of two channels correlate by ${errorCorrelation.toFixed(2)}`;
  setText(
    byId('accuracy-model'),
    model === null ? 'no model in use' : `model in use: ${model}${correlation}`,
  );
  byId('accuracy').hidden = series.length === 0;
  byId('accuracy-empty').hidden = series.length > 0;
};
