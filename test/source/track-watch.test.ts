import { TrackWatch } from '../../src/media/source/track-watch';

const SECOND = 90_000;

test('sound that has ended, or never came, is missing since then; in the words of a note too', () => {
  const watch = new TrackWatch([
    { pid: 257, name: 'aac, deu', frameTicks: 1_920 },
    { pid: 258, name: 'aac, eng', frameTicks: 1_920 },
  ]);
  watch.seen(10 * SECOND);
  watch.heard(257, 12 * SECOND);
  watch.seen(12 * SECOND);
  expect(watch.missing).toEqual([]);
  expect(watch.firstAwaySeconds).toBe(0);
  watch.seen(18 * SECOND);
  expect(watch.firstAwaySeconds).toBe(6);
  expect(watch.missing).toEqual([
    { track: 'aac, deu', forSeconds: 6, hasCome: true },
    { track: 'aac, eng', forSeconds: 8, hasCome: false },
  ]);
  expect(watch.notes).toEqual([
    'The sound (aac, deu) has brought nothing for 6 s; it joins when it comes.',
    'The sound (aac, eng) has brought nothing yet, 8 s after the picture; it joins when it comes.',
  ]);
  watch.heard(257, 18 * SECOND);
  watch.heard(258, 18 * SECOND);
  expect(watch.missing).toEqual([]);
});
