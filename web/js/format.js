const absent = '–';

export const units = (value) => (value === null || value === undefined ? absent : value.toFixed(1));
export const score = (value) => (value === null || value === undefined ? absent : value.toFixed(2));
export const whole = (value) =>
  value === null || value === undefined ? absent : Math.round(value).toLocaleString('en-GB');
export const percent = (share) =>
  share === null || share === undefined ? absent : `${Math.round(100 * share)} %`;
export const milliseconds = (value) =>
  value === null || value === undefined ? absent : `${Math.round(value).toLocaleString('en-GB')} ms`;

export const age = (ms) => {
  if (ms === null || ms === undefined) return absent;
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
};

export const clock = (ms) => new Date(ms).toLocaleTimeString('en-GB');

const reasons = {
  'predicted-overload': 'forecast above limit',
  consolidation: 'low demand',
  placement: 'placement rule',
  'make-room': 'made room',
  drain: 'drain',
  operator: 'operator',
  ladder: 'change of ladder',
  recycle: 'renewed session',
  'encoder-lost': 'encoder lost',
  'session-failed': 'session failed',
  start: 'start',
};
export const reason = (word) => reasons[word] ?? word ?? absent;
