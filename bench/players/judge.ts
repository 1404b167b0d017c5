import { percentile } from '../../src/domain/statistics';
import { rounded } from '../lib/statistics';

/** A picture as the page saw it. `counter`: what is burnt into it, null if that can't be read. */
export type Shown = [
  atMs: number,
  counter: number | null,
  mediaTimeSeconds: number,
  /** Pictures that the video element has shown so far, and those that it left out since it was late. */
  presented: number,
  dropped: number,
];

/** What the page noted of a player. */
export interface Watched {
  name: string;
  shown: Shown[];
  /** Standstills that ended, and the one that goes on, in milliseconds. */
  stalls: number[];
  standing: number;
  /** When it stood as nothing more had come, wall clock, milliseconds since 1970. */
  starved?: number[];
  errors: string[];
  /** What the player mended by itself. */
  others: string[];
}

export interface PlayerFigures {
  player: string;
  framesShown: number;
  /** Decoded too late to be shown, on a busy machine; Chromium counts some of them as handed to the screen too. */
  framesDropped: number;
  /** Neither handed to the screen nor dropped, by the counters of the first and the last picture. */
  framesMissing: number;
  /** Shown beyond those that there are between the first and the last one. */
  framesRepeated: number;
  /** Shown after a later one, or by more than a picture farther from its time than the one before. */
  framesWrong: number;
  stallsOverGop: number;
  longestStallMs: number;
  mediaErrors: number;
  /** From the capture of a picture to its show. */
  latencyMsP50: number | null;
}

/** In frames: players round times to microseconds or ticks. */
const SAME_FRAME = 0.5;
/** A page that is late reads the counter of the next picture beside the time of this one. */
const NEXT_FRAME = 1.5;

/**
 * @param clock how many pictures a second there are, how long a GOP lasts, and when the first picture was captured
 */
export const judgePlayer = (
  { name, shown, stalls, standing, errors }: Watched,
  clock: { framesPerSecond: number; gopMs: number; beganAtMs: number },
): PlayerFigures => {
  const read = shown.flatMap(([atMs, counter, mediaTime, presented, dropped]) =>
    counter === null ? [] : [{ atMs, counter, mediaTime, presented, dropped }],
  );
  const distances = read.map(({ counter, mediaTime }) => counter - mediaTime * clock.framesPerSecond);
  const offBy = (i: number): number => Math.abs((distances[i] ?? Infinity) - (distances[i - 1] ?? Infinity));
  const steady = read.filter((_, i) => offBy(i) < SAME_FRAME || offBy(i + 1) < SAME_FRAME);
  const [first, last] = [steady[0], steady.at(-1)];
  const span = (of: 'counter' | 'presented' | 'dropped'): number =>
    first && last ? last[of] - first[of] : 0;
  const wrong = read.filter(
    ({ counter }, i) => i > 0 && (counter < read[i - 1]!.counter || offBy(i) > NEXT_FRAME),
  );
  const unseen = span('counter') - span('presented');
  const pauses = [...stalls, standing];
  const latencies = read.map(
    ({ atMs, counter }) => atMs - clock.beganAtMs - (counter * 1_000) / clock.framesPerSecond,
  );
  return {
    player: name,
    framesShown: shown.length,
    framesDropped: span('dropped'),
    framesMissing: Math.max(0, unseen - span('dropped')),
    framesRepeated: Math.max(0, -unseen),
    framesWrong: wrong.length,
    stallsOverGop: pauses.filter((ms) => ms > clock.gopMs).length,
    longestStallMs: Math.max(0, ...pauses),
    mediaErrors: errors.length,
    latencyMsP50: rounded(percentile(latencies, 50), 0),
  };
};
