import { Refusal, call } from './api.js';
import { byId, element, keyedList, setAttribute, setText, within } from './dom.js';

const periodMs = 2_000;
/** How long one that has ended stays in sight. */
const shownAfterMs = 60 * 60_000;

/**
 * @typedef {NonNullable<import('../../src/contracts/api').AnswerAt<'GET', '/rollout'>>} Rollout
 * @typedef {NonNullable<Rollout['verdict']>['metrics']} Metrics
 */

/** @type {Record<Rollout['phase'], [level: string, word: string]>} */
const phases = {
  planning: ['info', 'Planning'],
  upgrading: ['info', 'Upgrading'],
  soaking: ['info', 'Watching'],
  holding: ['warn', 'Asks you'],
  'rolling-back': ['warn', 'Going back'],
  completed: ['good', 'Completed'],
  'rolled-back': ['bad', 'Rolled back'],
  refused: ['warn', 'Refused'],
};
/** @type {Record<Rollout['encoders'][number]['status'], string>} */
const encoderLevels = {
  waiting: 'unknown',
  upgraded: 'good',
  upgrading: 'info',
  restoring: 'warn',
  restored: 'warn',
  gone: 'bad',
};

/** What can be asked for. */
const actions = {
  Continue: () => call('POST', '/rollout/decide', { decision: 'continue' }),
  'Roll back': () => call('POST', '/rollout/decide', { decision: 'roll-back' }),
  Pause: () => call('POST', '/rollout/pause', {}),
  Resume: () => call('POST', '/rollout/resume', {}),
  'Abort and undo': () => call('POST', '/rollout/abort', {}),
};

/**
 * @param {Rollout} rollout
 * @returns {(keyof typeof actions)[]}
 */
const actionsFor = ({ phase, paused }) => {
  if (phase === 'holding') return ['Continue', 'Roll back'];
  if (phase !== 'upgrading' && phase !== 'soaking') return [];
  return [paused ? 'Resume' : 'Pause', 'Abort and undo'];
};

/** @param {number | null} value */
const figure = (value) => (value === null ? '–' : value.toPrecision(3));

const renderEncoders = keyedList(byId('rollout-encoders'), () => {
  const name = element('b');
  const status = element('span', { class: 'pill' });
  const note = element('span', { class: 'hint' });
  return {
    node: element('li', {}, name, ' ', status, ' ', note),
    /** @param {Rollout['encoders'][number]} encoder */
    update(encoder) {
      setText(name, encoder.encoderId);
      setText(status, encoder.status);
      setAttribute(status, 'data-level', encoderLevels[encoder.status]);
      setText(note, `${encoder.wave}, zone ${encoder.zone}, was ${encoder.from.buildId}`);
    },
  };
});

const renderMetrics = keyedList(within(byId('rollout-metrics'), 'tbody', HTMLTableSectionElement), () => {
  // On a narrow page the head of the table is gone, and each cell says what it holds.
  const cells = ['New', 'Old', 'Worse in', 'E-value worse', 'E-value good'].map((label) =>
    element('td', { class: 'number', 'data-label': label }),
  );
  const name = element('th', { scope: 'row' });
  return {
    node: element('tr', {}, name, ...cells),
    /** @param {[metric: string, m: Metrics[keyof Metrics]]} item */
    update([metric, m]) {
      setText(name, metric);
      const texts = [
        figure(m.newMean),
        figure(m.oldMean),
        `${m.worse} of ${m.comparisons}`,
        figure(m.eWorse),
        figure(m.eGood),
      ];
      cells.forEach((node, i) => setText(node, texts[i] ?? ''));
    },
  };
});

/** @param {Refusal | null} refusal */
const showError = (refusal) => {
  const node = byId('rollout-error');
  node.hidden = refusal === null;
  setText(node, refusal === null ? '' : `${refusal.message} ${refusal.hint ?? ''}`);
};

const renderActions = keyedList(byId('rollout-actions'), (/** @type {keyof typeof actions} */ label) => {
  const act = async () => {
    button.disabled = true;
    try {
      show(await actions[label]());
      showError(null);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      showError(error);
    } finally {
      button.disabled = false;
    }
  };
  const button = element('button', { type: 'button', click: act }, label);
  return { node: button, update() {} };
});

/** @param {Rollout | null} state */
const show = (state) => {
  const isOld = state?.finishedAtMs && Date.now() - state.finishedAtMs > shownAfterMs;
  byId('rollout').hidden = !state || Boolean(isOld);
  if (!state || isOld) return;
  const [level, word] = phases[state.phase];
  setText(byId('rollout-heading'), `Rollout of ${state.request.buildId}`);
  setText(byId('rollout-phase'), state.paused ? `${word}, paused` : word);
  setAttribute(byId('rollout-phase'), 'data-level', level);
  setText(byId('rollout-detail'), state.detail);
  renderEncoders(state.encoders, (encoder) => encoder.encoderId);
  const left = state.skipped.map(({ encoderId, why }) => `${encoderId} is left as it is: it ${why}.`);
  byId('rollout-skipped').hidden = left.length === 0;
  setText(byId('rollout-skipped'), left.join(' '));
  byId('rollout-metrics').hidden = !state.verdict;
  renderMetrics(Object.entries(state.verdict?.metrics ?? {}), ([metric]) => metric);
  renderActions(actionsFor(state), (label) => label);
};

/** Shows the rollout that is under way, or the last one. */
export const watchRollout = async () => {
  try {
    if (!document.hidden) show(await call('GET', '/rollout'));
  } catch {
    // The banner says so already.
  } finally {
    setTimeout(watchRollout, periodMs);
  }
};
