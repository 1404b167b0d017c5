import { SwarmError, type KnownEvent } from '../domain';

/**
 * What depends on the clock: a request may be right by its schema and still come at the wrong time. Such a request is
 * a `conflict`, not a `bad-request`, so that the schema says all about what is well formed.
 */

const DAY_MS = 86_400_000;
const MOST_EVENT_DAYS = 7;
const MOST_DAYS_AHEAD = 400;
/** Age up to which the store keeps data. */
const KEPT_DAYS = 30;

/** The schedule is of the weeks around now: farther off an event would help no forecast. @throws SwarmError conflict */
export const requireTimely = (
  { startsAtMs, endsAtMs }: Pick<KnownEvent, 'startsAtMs' | 'endsAtMs'>,
  nowMs: number,
): void => {
  const fault =
    endsAtMs <= startsAtMs
      ? 'endsAtMs: must be after startsAtMs'
      : endsAtMs - startsAtMs > MOST_EVENT_DAYS * DAY_MS
        ? `endsAtMs: at most ${MOST_EVENT_DAYS} days after startsAtMs; give longer ones day by day`
        : startsAtMs <= nowMs - (KEPT_DAYS - 1) * DAY_MS
          ? `startsAtMs: at most ${KEPT_DAYS - 1} days ago: history goes back no further`
          : startsAtMs >= nowMs + MOST_DAYS_AHEAD * DAY_MS
            ? `startsAtMs: at most ${MOST_DAYS_AHEAD} days ahead`
            : null;
  if (fault)
    throw new SwarmError('conflict', `Bad event: ${fault}.`, 'Correct the fields named and ask again.');
};
