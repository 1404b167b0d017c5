const absent = '–';

/** @typedef {number | null | undefined} Figure */

/** @param {Figure} value */
export const units = (value) => (value === null || value === undefined ? absent : value.toFixed(1));
/** @param {Figure} value */
export const score = (value) => (value === null || value === undefined ? absent : value.toFixed(2));
/** @param {Figure} value */
export const whole = (value) =>
  value === null || value === undefined ? absent : Math.round(value).toLocaleString('en-GB');
/** @param {Figure} share */
export const percent = (share) =>
  share === null || share === undefined ? absent : `${Math.round(100 * share)} %`;
/** @param {Figure} value */
export const milliseconds = (value) =>
  value === null || value === undefined ? absent : `${Math.round(value).toLocaleString('en-GB')} ms`;

/** @param {Figure} ms */
export const age = (ms) => {
  if (ms === null || ms === undefined) return absent;
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
};

/** @param {number} ms */
export const clock = (ms) => new Date(ms).toLocaleTimeString('en-GB');

/** @type {Record<import('../../src/domain').MoveReason, string>} */
const reasons = {
  'predicted-overload': 'forecast above limit',
  consolidation: 'low demand',
  placement: 'placement rule',
  'make-room': 'made room',
  drain: 'drain',
  canary: 'canary of a rollout',
  operator: 'operator',
  ladder: 'change of ladder',
  recycle: 'renewed session',
  'encoder-lost': 'encoder lost',
  'session-failed': 'session failed',
  start: 'start',
};
/** @param {string | null} word */
export const reason = (word) =>
  (word !== null && Object.entries(reasons).find(([key]) => key === word)?.[1]) || word || absent;
