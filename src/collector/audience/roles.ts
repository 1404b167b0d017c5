import { SHOWCASE_ID } from '../../domain';
import { HOURS_PER_DAY, type AudienceTrace } from './trace';

/** What part a channel plays in the replayed scenario. */
export const AUDIENCE_ROLES = ['surge', 'companion', 'counterphase', 'modest'] as const;
export type AudienceRole = (typeof AUDIENCE_ROLES)[number];

/**
 * Viewers at a trace value of 1, and hours by which the channel is ahead of the trace. Against the default ladder's
 * thresholds of 1000 and 2800 viewers:
 * - surge grows to the whole ladder every morning;
 * - its companion grows to two rungs at the same time: together they need 5.06 units, where an encoder of the
 *   default swarm should carry 4.80;
 * - counterphase has two rungs while these two sleep;
 * - modest never earns a second rung.
 */
const ROLE_SHAPES: Record<AudienceRole, { viewers: number; hoursAhead: number }> = {
  surge: { viewers: 3500, hoursAhead: 0 },
  companion: { viewers: 1400, hoursAhead: 0 },
  counterphase: { viewers: 1250, hoursAhead: 12 },
  modest: { viewers: 350, hoursAhead: 6 },
};

/** The scenario begins at one in the morning, with three weeks of trace behind it. */
const DAYS_BEFORE = 21;
const ANCHOR_HOUR_OF_DAY = 1;

/** Where in the trace the anchor lies: hours from its beginning. */
const anchorHour = (trace: AudienceTrace): number =>
  Math.min(DAYS_BEFORE, Math.floor(trace.length / HOURS_PER_DAY) - 1) * HOURS_PER_DAY + ANCHOR_HOUR_OF_DAY;

/**
 * Viewers of a role at a moment: one hour of the trace per step, straight lines between hours, the trace in a
 * loop both ways. Depends on nothing else, so history can be computed after the fact.
 *
 * @param anchorMs wall clock at which the scenario begins
 */
export const viewersAt = (
  trace: AudienceTrace,
  role: AudienceRole,
  anchorMs: number,
  stepSeconds: number,
  atMs: number,
): number => {
  const { viewers, hoursAhead } = ROLE_SHAPES[role];
  const hour = anchorHour(trace) + hoursAhead + (atMs - anchorMs) / (stepSeconds * 1000);
  const begin = Math.floor(hour);
  const at = (index: number): number =>
    trace[((index % trace.length) + trace.length) % trace.length] as number;
  const share = hour - begin;
  return Math.round(viewers * (at(begin) * (1 - share) + at(begin + 1) * share));
};

/**
 * Casts the channels: surge and companion are two that share an encoder, so that their growth will overload it;
 * counterphase is one elsewhere. Where no two share one, the first two play.
 *
 * @param ownerOf encoder by channel id; null where nobody encodes it
 */
export const castRoles = (ownerOf: ReadonlyMap<string, string | null>): Record<string, AudienceRole> => {
  // Whatever its audience, that channel needs the same: it would spoil the scenario.
  const ids = [...ownerOf.keys()].filter((id) => id !== SHOWCASE_ID).sort();
  const mateOf = (id: string): string | undefined =>
    ids.find((other) => other !== id && ownerOf.get(id) !== null && ownerOf.get(other) === ownerOf.get(id));
  const surge = ids.find((id) => mateOf(id) !== undefined) ?? ids[0];
  const companion = surge === undefined ? undefined : (mateOf(surge) ?? ids.find((id) => id !== surge));
  const counterphase = ids.find(
    (id) => id !== surge && id !== companion && ownerOf.get(id) !== ownerOf.get(surge ?? ''),
  );
  return Object.fromEntries(
    [...ownerOf.keys()].map((id) => {
      if (id === surge) return [id, 'surge'];
      if (id === companion) return [id, 'companion'];
      return [id, id === counterphase ? 'counterphase' : 'modest'];
    }),
  );
};
