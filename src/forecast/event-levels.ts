import type { KnownEvent } from '../domain';

/** Whom an event may concern. */
export interface EventAudience {
  channelId: string;
  region: string;
}

/** An event that names channels concerns these; one that names none, all of its region, or of the cell. */
export const concerns = (event: KnownEvent, { channelId, region }: EventAudience): boolean =>
  event.channelIds.length > 0
    ? event.channelIds.includes(channelId)
    : event.region === undefined || event.region === region;

/** A grid of steps on the wall clock. */
export interface StepGrid {
  startMs: number;
  stepSeconds: number;
  steps: number;
}

/**
 * Level of known events per step, for the models: the sum of the levels of those under way, each weighted by the
 * part of the step that it covers.
 * @returns `steps` values, 0 where there is none; null where no event touches the grid
 */
export const eventLevels = (
  events: readonly KnownEvent[],
  audience: EventAudience,
  { startMs, stepSeconds, steps }: StepGrid,
): number[] | null => {
  const stepMs = stepSeconds * 1000;
  const endMs = startMs + steps * stepMs;
  const touching = events.filter(
    (event) => concerns(event, audience) && event.startsAtMs < endMs && event.endsAtMs > startMs,
  );
  if (touching.length === 0) return null;
  const levels = new Array<number>(steps).fill(0);
  for (const { startsAtMs, endsAtMs, level } of touching) {
    const first = Math.max(0, Math.floor((startsAtMs - startMs) / stepMs));
    const last = Math.min(steps - 1, Math.ceil((endsAtMs - startMs) / stepMs) - 1);
    for (let step = first; step <= last; step++) {
      const beginMs = startMs + step * stepMs;
      const coveredMs = Math.min(endsAtMs, beginMs + stepMs) - Math.max(startsAtMs, beginMs);
      levels[step] = (levels[step] as number) + level * Math.max(0, coveredMs / stepMs);
    }
  }
  return levels;
};

/** Mean level over several audiences, as of all channels of a region; null where no event touches any of them. */
export const meanEventLevels = (
  events: readonly KnownEvent[],
  audiences: readonly EventAudience[],
  grid: StepGrid,
): number[] | null => {
  const known = audiences.flatMap((audience) => {
    const levels = eventLevels(events, audience, grid);
    return levels ? [levels] : [];
  });
  if (known.length === 0) return null;
  return Array.from(
    { length: grid.steps },
    (_, step) => known.reduce((sum, levels) => sum + (levels[step] as number), 0) / audiences.length,
  );
};
