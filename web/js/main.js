import { showAccuracy } from './accuracy.js';
import { call, listen } from './api.js';
import { setCurves, showChannels } from './channels.js';
import { showCharts } from './charts.js';
import { byId, element, keyedList, setAttribute, setText, within } from './dom.js';
import { showEncoders } from './encoders.js';
import * as format from './format.js';
import { logIn } from './login.js';
import { showMoves } from './moves.js';
import { showPlayer } from './player.js';
import { watchRollout } from './rollout.js';

const forecastPeriodMs = 3_000;
const accuracyPeriodMs = 10_000;
/** @typedef {import('../../src/contracts/api').Status} Status */

/** @type {Record<Status['health'], [level: string, word: string]>} */
const healthWords = { ok: ['good', 'Healthy'], degraded: ['warn', 'Needs attention'], down: ['bad', 'Down'] };

const renderProblems = keyedList(
  within(byId('problems'), 'ul', HTMLUListElement),
  (/** @type {string} */ text) => ({
    node: element('li', {}, text),
    update() {},
  }),
);

/** @param {Status} status */
const showHeader = (status) => {
  const { counts, forecast, cycle } = status;
  const [level, word] = healthWords[status.health];
  setText(byId('cell'), status.cell);
  setText(byId('health'), word);
  setAttribute(byId('health'), 'data-level', level);
  setText(byId('on-air'), `${counts.onAir} of ${counts.channels}`);
  setAttribute(byId('on-air'), 'data-level', counts.onAir < counts.channels ? 'bad' : null);
  setText(byId('overloaded'), counts.overloaded);
  setAttribute(byId('overloaded'), 'data-level', counts.overloaded ? 'bad' : null);
  setText(byId('at-risk'), counts.atRisk);
  setAttribute(byId('at-risk'), 'data-level', counts.atRisk ? 'warn' : null);
  setText(byId('forecast-age'), forecast ? `${format.age(forecast.ageMs)} old` : 'none');
  setAttribute(byId('forecast-age'), 'title', forecast && `${forecast.id}, model ${forecast.model}`);
  const cycleNode = byId('cycle');
  if (cycle) {
    if (!cycleNode.querySelector('a')) {
      cycleNode.replaceChildren(element('a', { target: '_blank', rel: 'noreferrer' }));
    }
    const link = within(cycleNode, 'a', HTMLAnchorElement);
    setAttribute(link, 'href', cycle.url);
    setText(link, `${cycle.number}, ${format.age(status.atMs - cycle.atMs)} ago`);
  } else setText(cycleNode, 'none');
  setAttribute(byId('temporal-link'), 'href', status.urls.temporal);
  document.title = `${status.health === 'ok' ? '' : '⚠ '}Encoder Swarm ${status.cell}`;
};

/** @param {Status} status */
const showProblems = (status) => {
  const lines = [...status.problems, ...status.alerts.map(({ message }) => message)];
  renderProblems(lines, (line) => line);
  byId('problems').hidden = lines.length === 0;
};

/**
 * @param {boolean} yes
 * @param {number | null} lastAtMs
 */
const connected = (yes, lastAtMs) => {
  const banner = byId('connection');
  banner.hidden = yes;
  document.body.dataset.connected = String(yes);
  byId('main').inert = !yes && lastAtMs !== null;
  if (yes) return;
  setText(
    banner,
    lastAtMs === null
      ? 'The swarm does not answer yet. Trying again; start it with npm start.'
      : `Connection lost. What you see is from ${format.clock(lastAtMs)}; trying again.`,
  );
  setText(byId('health'), 'Disconnected');
  setAttribute(byId('health'), 'data-level', 'bad');
};

await logIn();

listen({
  onStatus(status) {
    connected(true, null);
    showHeader(status);
    showProblems(status);
    showEncoders(status.encoders);
    showChannels(status);
    showMoves(status.moves);
    showPlayer(status.channels);
  },
  onSilence: (lastAtMs) => connected(false, lastAtMs),
});

const refreshForecasts = async () => {
  try {
    if (!document.hidden) {
      const forecasts = await call('GET', '/forecasts');
      setCurves(forecasts);
      showCharts(forecasts);
    }
  } catch {
    // The banner says so already; the charts keep what they have.
  } finally {
    setTimeout(refreshForecasts, forecastPeriodMs);
  }
};
void refreshForecasts();
watchRollout();

const refreshAccuracy = async () => {
  try {
    if (!document.hidden) showAccuracy(await call('GET', '/forecasts/accuracy'));
  } catch {
    // The banner says so already; the table keeps what it has.
  } finally {
    setTimeout(refreshAccuracy, accuracyPeriodMs);
  }
};
void refreshAccuracy();
