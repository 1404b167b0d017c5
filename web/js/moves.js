import { byId, element, keyedList, setAttribute, setText, within } from './dom.js';
import * as format from './format.js';
import { explain } from './story.js';

/** @typedef {import('../../src/contracts/api').MoveRecord} MoveRecord */

/** @type {Record<MoveRecord['outcome'], string>} */
const levels = {
  running: 'info',
  completed: 'good',
  recovered: 'good',
  compensated: 'warn',
  refused: 'warn',
  unresolved: 'bad',
  failed: 'bad',
};

/**
 * @param {string} label
 * @param {Record<string, string>} attributes
 * @param {Node[]} children
 */
const cell = (label, attributes, ...children) =>
  element('td', { 'data-label': label, ...attributes }, ...children);

/** @param {MoveRecord} move */
const pathOf = ({ fromEncoderId: from, toEncoderId: to }) => {
  if (to === null) return from ?? '–';
  if (from === null) return `to ${to}`;
  return from === to ? `stays on ${to}` : `${from} → ${to}`;
};

const createRow = () => {
  const when = element('span');
  const channel = element('b');
  const why = element('span');
  const path = element('span');
  const commit = element('span');
  const overlap = element('span');
  const outcome = element('span', { class: 'pill' });
  let workflowId = '';
  const story = element(
    'button',
    { type: 'button', class: 'link', click: () => explain(workflowId) },
    'Explain',
  );
  const link = element('a', { target: '_blank', rel: 'noreferrer' }, 'Temporal');
  const node = element(
    'tr',
    {},
    cell('When', {}, when),
    cell('Channel', {}, channel),
    cell('Why', {}, why),
    cell('From, to', {}, path),
    cell('Request to commit', { class: 'number' }, commit),
    cell('Overlap', { class: 'number' }, overlap),
    cell('Outcome', {}, outcome),
    cell('', { class: 'why' }, story, link),
  );
  /** @param {MoveRecord} move */
  const update = (move) => {
    workflowId = move.workflowId;
    setText(when, `${format.age(Date.now() - move.requestedAtMs)} ago`);
    setAttribute(when, 'title', format.clock(move.requestedAtMs));
    setText(channel, move.channelId ?? '–');
    setText(why, format.reason(move.reason));
    setAttribute(why, 'title', move.summary);
    setText(path, pathOf(move));
    setText(commit, format.milliseconds(move.requestToCommitMs));
    setText(overlap, move.overlapGops === null ? '–' : `${move.overlapGops.toFixed(1)} GOP`);
    setText(outcome, move.outcome === 'running' ? 'under way' : move.outcome);
    setAttribute(outcome, 'data-level', levels[move.outcome]);
    setAttribute(outcome, 'title', move.failure?.message);
    setAttribute(story, 'aria-label', `Explain ${move.workflowId}`);
    setAttribute(link, 'aria-label', `${move.workflowId} in Temporal`);
    setAttribute(link, 'href', move.url);
  };
  return { node, update };
};

const render = keyedList(within(byId('moves'), 'tbody', HTMLTableSectionElement), createRow);

/** @param {MoveRecord[]} moves */
export const showMoves = (moves) => {
  render(moves, (move) => move.runId);
  byId('moves').hidden = moves.length === 0;
  byId('moves-empty').hidden = moves.length > 0;
};
