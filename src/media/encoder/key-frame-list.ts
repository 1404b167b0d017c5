import { FEED_OFFSET_TICKS, SPLICE_TOLERANCE_TICKS, TICKS_PER_SECOND } from '../../domain';

/** Linux refuses one argument of more than 128 KiB; ffmpeg takes the whole list as one. */
const MAX_LIST_BYTES = 96 * 1024;
/** Feed time has 33 bits (26.5 h): a run ends before it wraps. */
const MAX_LIST_TICKS = 24 * 3600 * TICKS_PER_SECOND;

/** Microseconds, as ffmpeg reads times, cut off below: never later than the frame that is meant. */
const formatTime = (ticks: number): string => {
  const microseconds = Math.floor((ticks * 1_000_000) / TICKS_PER_SECOND);
  const fraction = String(microseconds % 1_000_000).padStart(6, '0');
  return `${Math.floor(microseconds / 1_000_000)}.${fraction}`.replace(/\.?0+$/, '');
};

/** By GOP duration, of which a swarm has few: a full list takes ten milliseconds to make. */
const lists = new Map<number, readonly string[]>();

const timesOf = (gopDurationTicks: number): readonly string[] => {
  const known = lists.get(gopDurationTicks);
  if (known) return known;
  const times: string[] = [];
  let bytes = 0;
  for (let elapsed = 0; elapsed < MAX_LIST_TICKS; elapsed += gopDurationTicks) {
    const time = formatTime(FEED_OFFSET_TICKS + elapsed);
    bytes += time.length + 1;
    if (bytes > MAX_LIST_BYTES) break;
    times.push(time);
  }
  lists.set(gopDurationTicks, times);
  return times;
};

/** Feed times of cuts, among those of the GOPs; one that is nearer to another than a frame would be a second key frame. */
const withCuts = (times: readonly string[], cutTicks: readonly number[], leastTicks: number): string[] => {
  const kept: number[] = [];
  for (const ticks of [...cutTicks].sort((a, b) => a - b))
    if (ticks - (kept.at(-1) ?? -Infinity) >= leastTicks) kept.push(ticks);
  return [...times, ...kept.map((ticks) => formatTime(ticks - SPLICE_TOLERANCE_TICKS))].sort(
    (a, b) => Number(a) - Number(b),
  );
};

/**
 * Value of `-force_key_frames`: when each GOP of a feed begins, in the feed's clock, where the first GOP asked
 * for stands at FEED_OFFSET_TICKS. A list of absolute times, since in an expression `t` counts from the first
 * frame that arrives. Several hours long; an encode that runs longer is restarted before `gops` are over.
 * @param cuts times within GOPs at which there is to be a key frame too, and how long a frame lasts
 */
export const keyFrameList = (
  gopDurationTicks: number,
  maxGops = Infinity,
  cuts: { ticks: readonly number[]; frameTicks: number } = { ticks: [], frameTicks: 0 },
): { list: string; gops: number } => {
  const times = timesOf(gopDurationTicks).slice(0, maxGops);
  const all = cuts.ticks.length > 0 ? withCuts(times, cuts.ticks, cuts.frameTicks) : times;
  return { list: all.join(','), gops: times.length };
};
