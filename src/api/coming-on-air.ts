import type { SourceChannel } from '../contracts/source';
import { ticksToSeconds } from '../domain';

/** Until the next control cycle, and until the session that it starts encodes. */
const CYCLE_AND_START_SECONDS = 10;

/**
 * A channel with GOPs of this length is on air so long after its contribution has begun, where nothing is in the way: it
 * begins with the contribution's next whole GOP, and is on air once that is encoded.
 */
export const onAirWithinSeconds = (gopDurationTicks: number): number =>
  Math.ceil(CYCLE_AND_START_SECONDS + 2 * ticksToSeconds(gopDurationTicks));

/** A channel is late when its last GOP is older than three GOPs. */
export const isLate = (
  {
    lastPublishedAtMs,
    gopDurationTicks,
  }: { lastPublishedAtMs: number | null; gopDurationTicks: number | null },
  atMs: number,
): boolean => atMs - (lastPublishedAtMs ?? 0) > 3_000 * ticksToSeconds(gopDurationTicks ?? 0);

/** Whether a channel has still that time, since its contribution began, or began again. */
export const isComingOnAir = (
  source: SourceChannel | undefined,
  gopDurationTicks: number,
  atMs: number,
): boolean => {
  if (source?.state !== 'opening' && source?.state !== 'running') return false;
  const sinceMs = atMs - source.startedAtMs;
  // One that began in the future was dated by a clock since set back.
  return sinceMs >= 0 && sinceMs < 1_000 * onAirWithinSeconds(gopDurationTicks);
};
