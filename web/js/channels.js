import { call } from './api.js';
import { byId, element, keyedList, setAttribute, setOptions, setText } from './dom.js';
import * as format from './format.js';
import { act } from './notices.js';
import { createSparkline } from './sparkline.js';
import { explain } from './story.js';

const levels = {
  'on-air': 'good',
  moving: 'info',
  recovering: 'warn',
  starting: 'info',
  late: 'bad',
  'off-air': 'bad',
};

let encoders = [];
/** Where channels that move now are going, and audience curves; both by channel id. */
let targets = new Map();
let curves = new Map();

const handOff = (id, select) => (event) => {
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

const cell = (label, attributes, ...children) =>
  element('td', { 'data-label': label, ...attributes }, ...children);

const createRow = (id) => {
  const dot = element('span', { class: 'dot', 'aria-hidden': 'true' });
  const status = element('span', { class: 'status' });
  const owner = element('span');
  const ladder = element('span', { class: 'ladder' });
  const viewers = element('b');
  const forecast = element('span', { class: 'hint' });
  const sparkline = createSparkline();
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
    if (curve && sparkline.drawn !== curve) {
      sparkline.update(curve);
      sparkline.drawn = curve;
    }
    setText(delay, format.milliseconds(channel.publishDelayMs));
    setText(gop, channel.nextGop === null ? '–' : format.whole(channel.nextGop - 1));
    setText(token, channel.token === null ? '' : `token ${channel.token}`);
    setOptions(target, [
      ['', 'Fittest encoder'],
      ...encoders
        .filter((encoder) => encoder.id !== channel.owner?.encoderId)
        .map((encoder) => [encoder.id, encoder.cordoned ? `${encoder.id} (cordoned)` : encoder.id]),
    ]);
    if (!move.dataset.busy) move.disabled = channel.status === 'starting';
  };
  return { node, update };
};

const render = keyedList(byId('channels').tBodies[0], createRow);

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

export const setCurves = (forecasts) => {
  curves = new Map(forecasts.channels.map((channel) => [channel.id, channel]));
};
