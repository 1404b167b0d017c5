import { call } from './api.js';
import { byId, element, keyedList, setAttribute, setText } from './dom.js';
import * as format from './format.js';
import { act, confirmed } from './notices.js';

/** @typedef {import('../../src/contracts/api').EncoderStatus} EncoderStatus */

/**
 * @param {EncoderStatus} encoder
 * @returns {[level: string, label: string]}
 */
const stateOf = (encoder) => {
  if (!encoder.reachable) return ['bad', encoder.fleetState === 'running' ? 'No answer' : encoder.fleetState];
  if (encoder.load === 'overloaded') return ['bad', 'Overloaded'];
  if (encoder.draining) return ['warn', encoder.sessions.length ? 'Draining' : 'Drained'];
  if (encoder.cordoned) return ['warn', 'Cordoned'];
  if (encoder.load === 'at-risk') return ['warn', 'At risk'];
  return ['good', 'Ready'];
};

/**
 * `version 5.1.8-0+deb12u1 Copyright…` is 5.1.8; a snapshot is N-92722.
 * @param {string} text
 */
const shortVersion = (text) => /N-\d+|\d+(\.\d+)+/.exec(text)?.[0] ?? text.slice(0, 12);

/**
 * @param {string} id
 * @param {'cordon' | 'uncordon'} name
 * @param {string} busy
 * @param {() => string} done
 */
const command = (id, name, busy, done) => (/** @type {import('./dom.js').Pressed} */ event) =>
  act(event.currentTarget, busy, () => call('POST', `/encoders/${id}/${name}`, {}), done);

/** @param {string} id */
const drain = (id) => async (/** @type {import('./dom.js').Pressed} */ event) => {
  const button = event.currentTarget;
  const yes = await confirmed(
    `Drain ${id}? It takes no new work, and its channels move to other encoders.`,
    'Drain',
  );
  if (yes)
    await act(
      button,
      'Draining…',
      () => call('POST', `/encoders/${id}/drain`, {}),
      () => `${id} is being drained.`,
    );
};

/** @param {string} id */
const createCard = (id) => {
  const pill = element('span', { class: 'pill' });
  const place = element('span', { class: 'place' });
  const used = element('i', { class: 'used' });
  const predicted = element('i', { class: 'predicted' });
  const limit = element('i', { class: 'limit' });
  const bar = element('div', { class: 'bar', role: 'img' }, predicted, used, limit);
  const now = element('b');
  const p90 = element('b');
  const limitText = element('b');
  const capacity = element('b');
  const figures = element(
    'dl',
    { class: 'bar-figures' },
    ...Object.entries({ Now: now, P90: p90, Limit: limitText, Capacity: capacity }).map(([label, node]) =>
      element('div', {}, element('dt', {}, label), element('dd', {}, node)),
    ),
  );
  const fitness = element('b');
  const weakest = element('span', { class: 'weakest' });
  const meter = element('i');
  const terms = element(
    'div',
    { class: 'fitness' },
    element('span', { class: 'fitness-score' }, 'Fitness ', fitness),
    element('div', { class: 'meter', 'aria-hidden': 'true' }, meter),
    weakest,
  );
  const software = element('p', { class: 'software' });
  const cordon = element(
    'button',
    { type: 'button', click: command(id, 'cordon', 'Cordoning…', () => `${id} takes no new work.`) },
    'Cordon',
  );
  const uncordon = element(
    'button',
    { type: 'button', click: command(id, 'uncordon', 'Uncordoning…', () => `${id} takes work again.`) },
    'Uncordon',
  );
  const drainButton = element('button', { type: 'button', click: drain(id) }, 'Drain');
  for (const [verb, button] of Object.entries({ Cordon: cordon, Uncordon: uncordon, Drain: drainButton })) {
    button.setAttribute('aria-label', `${verb} ${id}`);
  }
  const node = element(
    'article',
    { class: 'card', 'aria-label': `Encoder ${id}` },
    element('div', { class: 'card-top' }, element('h3', {}, id), place, pill),
    bar,
    figures,
    terms,
    software,
    element('div', { class: 'actions' }, cordon, uncordon, drainButton),
  );

  /** @param {EncoderStatus} encoder */
  const update = (encoder) => {
    const [level, label] = stateOf(encoder);
    setAttribute(pill, 'data-level', level);
    setText(pill, label);
    setAttribute(node, 'data-level', level);
    setText(place, `zone ${encoder.zone}`);
    const scale = Math.max(
      encoder.capacityUnits ?? 0,
      encoder.unitsUsed ?? 0,
      encoder.forecastP90Units ?? 0,
      0.1,
    );
    /** @param {number | null} value */
    const share = (value) => `${(100 * (value ?? 0)) / scale}%`;
    used.style.width = share(encoder.unitsUsed);
    predicted.style.width = share(encoder.forecastP90Units);
    limit.style.left = share(encoder.limitUnits);
    limit.hidden = encoder.limitUnits === null;
    setAttribute(bar, 'data-load', encoder.load);
    setAttribute(
      bar,
      'aria-label',
      `${format.units(encoder.unitsUsed)} units used, forecast P90 ${format.units(encoder.forecastP90Units)}, ` +
        `limit ${format.units(encoder.limitUnits)}, capacity ${format.units(encoder.capacityUnits)}`,
    );
    setText(now, format.units(encoder.unitsUsed));
    setText(p90, format.units(encoder.forecastP90Units));
    setText(limitText, format.units(encoder.limitUnits));
    setText(capacity, format.units(encoder.capacityUnits));
    setAttribute(p90, 'data-level', encoder.load === 'at-risk' ? 'warn' : null);
    setAttribute(now, 'data-level', encoder.load === 'overloaded' ? 'bad' : null);
    const fit = encoder.fitness;
    setText(fitness, format.score(fit?.score));
    meter.style.width = `${100 * (fit?.score ?? 0)}%`;
    setText(
      weakest,
      fit ? `weakest: ${fit.weakestTerm} ${format.score(fit.terms[fit.weakestTerm])}` : 'not judged yet',
    );
    setAttribute(
      terms,
      'title',
      fit &&
        Object.entries(fit.terms)
          .map(([name, value]) => `${name} ${format.score(value)}`)
          .join(', '),
    );
    const sessions = encoder.sessions.length;
    setText(
      software,
      [
        `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`,
        encoder.cpuCores === null ? null : `${encoder.cpuCores.toFixed(2)} cores`,
        encoder.ffmpegVersion && `ffmpeg ${shortVersion(encoder.ffmpegVersion)}`,
        encoder.restarts ? `${encoder.restarts} restarts` : null,
      ]
        .filter(Boolean)
        .join(' · '),
    );
    cordon.hidden = encoder.cordoned && !cordon.dataset.busy;
    uncordon.hidden = !encoder.cordoned && !uncordon.dataset.busy;
    drainButton.hidden = encoder.draining && !drainButton.dataset.busy;
  };
  return { node, update };
};

const render = keyedList(byId('encoders'), createCard);

/** @param {EncoderStatus[]} encoders */
export const showEncoders = (encoders) => {
  render(encoders, (encoder) => encoder.id);
  const empty = byId('encoders-empty');
  empty.hidden = encoders.length > 0;
  setText(empty, 'No encoders. The fleet has none running, or does not answer.');
};
