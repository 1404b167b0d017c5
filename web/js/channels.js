import { call } from './api.js';
import { byId, element, keyedList, setAttribute, setOptions, setText, within } from './dom.js';
import * as format from './format.js';
import { act } from './notices.js';
import { createSparkline } from './sparkline.js';
import { explain } from './story.js';

/**
 * @typedef {import('../../src/contracts/api').Status} Status
 * @typedef {import('../../src/contracts/api').ChannelStatus} ChannelStatus
 * @typedef {import('../../src/contracts/api').Forecasts} Forecasts
 */

/** @type {Record<ChannelStatus['status'], string>} */
const levels = {
  'on-air': 'good',
  moving: 'info',
  recovering: 'warn',
  starting: 'info',
  late: 'bad',
  'off-air': 'bad',
};

/** @type {Status['encoders']} */
let encoders = [];
/**
 * Where channels that move now are going, by channel id.
 * @type {Map<string | null, string | null>}
 */
let targets = new Map();
/**
 * Audience curves by channel id.
 * @type {Map<string, Forecasts['channels'][number]>}
 */
let curves = new Map();

/**
 * @param {string} id
 * @param {HTMLSelectElement} select
 */
const handOff = (id, select) => (/** @type {import('./dom.js').Pressed} */ event) => {
  const encoderId = select.value;
  return act(
    event.currentTarget,
    'Moving…',
    () => call('POST', `/channels/${id}/handoff`, encoderId ? { encoderId } : {}),
    (result) =>
      result.outcome === 'completed'
        ? `${id} moved from ${result.fromEncoderId} to ${result.toEncoderId}.`
        : `${id}: the move ended ${result.outcome}; owner is ${result.ownerEncoderId}.`,
  );
};

/**
 * @param {string} label
 * @param {Record<string, string>} attributes
 * @param {Node[]} children
 */
const cell = (label, attributes, ...children) =>
  element('td', { 'data-label': label, ...attributes }, ...children);

/** @param {string} id */
const createRow = (id) => {
  const dot = element('span', { class: 'dot', 'aria-hidden': 'true' });
  const status = element('span', { class: 'status' });
  const owner = element('span');
  const ladder = element('span', { class: 'ladder' });
  const viewers = element('b');
  const forecast = element('span', { class: 'hint' });
  const sparkline = createSparkline();
  /** @type {Forecasts['channels'][number] | undefined} */
  let drawnCurve;
  const delay = element('span');
  const gop = element('b');
  const token = element('span', { class: 'hint' });
  const target = element('select', { 'aria-label': `Target of ${id}` });
  const move = element(
    'button',
    { type: 'button', 'aria-label': `Hand off ${id}`, click: handOff(id, target) },
    'Hand off',
  );
  const why = element(
    'button',
    { type: 'button', class: 'link', 'aria-label': `Explain ${id}`, click: () => explain(id) },
    'Explain',
  );
  const node = element(
    'tr',
    {},
    element('th', { scope: 'row' }, dot, element('span', { class: 'name' }, id), status),
    cell('Owner', {}, owner),
    cell('Ladder', {}, ladder),
    cell(
      'Viewers',
      {},
      element(
        'span',
        { class: 'audience' },
        sparkline.node,
        element('span', { class: 'stack' }, viewers, forecast),
      ),
    ),
    cell('Publish delay', { class: 'number' }, delay),
    cell('Last GOP', { class: 'number' }, element('span', { class: 'stack' }, gop, token)),
    cell('Hand off', {}, element('span', { class: 'handoff' }, target, move)),
    cell('', { class: 'why' }, why),
  );

  /** @param {ChannelStatus} channel */
  const update = (channel) => {
    setAttribute(dot, 'data-level', levels[channel.status]);
    setText(status, channel.status === 'on-air' ? '' : channel.status.replace('-', ' '));
    setAttribute(status, 'data-level', levels[channel.status]);
    const going = targets.get(id);
    const from = channel.owner?.encoderId ?? 'none';
    setText(owner, going && going !== from ? `${from} → ${going}` : from);
    const rungs = channel.ladder.length ? channel.ladder : channel.rungs;
    const drawn = rungs.map((name) => `${name}:${channel.rungs.includes(name)}`).join();
    if (ladder.dataset.drawn !== drawn) {
      ladder.dataset.drawn = drawn;
      ladder.replaceChildren(
        ...rungs.map((name) => {
          const onAir = channel.rungs.includes(name);
          return element(
            'span',
            {
              class: onAir ? 'rung on' : 'rung',
              title: `${name}: ${onAir ? 'on air' : 'waits for a larger audience'}`,
            },
            name,
            onAir ? null : element('span', { class: 'visually-hidden' }, ' (off)'),
          );
        }),
      );
    }
    setText(viewers, format.whole(channel.viewers));
    setText(
      forecast,
      channel.viewersForecastP90 === null ? 'no forecast' : `P90 ${format.whole(channel.viewersForecastP90)}`,
    );
    const curve = curves.get(id);
    if (curve && drawnCurve !== curve) {
      sparkline.update(curve);
      drawnCurve = curve;
    }
    setText(delay, format.milliseconds(channel.publishDelayMs));
    setText(gop, channel.nextGop === null ? '–' : format.whole(channel.nextGop - 1));
    setText(token, channel.token === null ? '' : `token ${channel.token}`);
    setOptions(target, [
      ['', 'Fittest encoder'],
      ...encoders
        .filter((encoder) => encoder.id !== channel.owner?.encoderId)
        .map(
          ({ id: to, cordoned }) =>
            /** @type {[string, string]} */ ([to, cordoned ? `${to} (cordoned)` : to]),
        ),
    ]);
    if (!move.dataset.busy) move.disabled = channel.status === 'starting';
  };
  return { node, update };
};

const render = keyedList(within(byId('channels'), 'tbody', HTMLTableSectionElement), createRow);

/** @param {Status} status */
export const showChannels = (status) => {
  encoders = status.encoders;
  targets = new Map(
    status.moves
      .filter((move) => move.outcome === 'running')
      .map((move) => [move.channelId, move.toEncoderId]),
  );
  render(status.channels, (channel) => channel.id);
  byId('channels').hidden = status.channels.length === 0;
  byId('channels-empty').hidden = status.channels.length > 0;
};

/** @param {Forecasts} forecasts */
export const setCurves = (forecasts) => {
  curves = new Map(forecasts.channels.map((channel) => [channel.id, channel]));
};
