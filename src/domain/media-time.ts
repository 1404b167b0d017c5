/**
 * Channel time: integer ticks of 1/90000 s since the start of a channel, counted on the unwrapped source
 * clock. GOP `g` covers channel time [g*D, (g+1)*D), D = GOP duration in ticks. One GOP is one segment.
 */
export const TICKS_PER_SECOND = 90_000;

/** Where GOP `g` of a feed that was asked for "from GOP g" begins, in the feed's own clock: 100 s. */
export const FEED_OFFSET_TICKS = 100 * TICKS_PER_SECOND;

export const secondsToTicks = (seconds: number): number => Math.round(seconds * TICKS_PER_SECOND);
export const ticksToSeconds = (ticks: number): number => ticks / TICKS_PER_SECOND;
export const ticksToMs = (ticks: number): number => ticks / (TICKS_PER_SECOND / 1_000);

/** Index of the GOP that covers a channel time. */
export const gopOf = (channelTimeTicks: number, gopDurationTicks: number): number =>
  Math.floor(channelTimeTicks / gopDurationTicks);

/** Channel time at which a GOP begins. */
export const gopStartTicks = (gop: number, gopDurationTicks: number): number => gop * gopDurationTicks;
