import type { EncoderObservation, SessionInfo } from '../domain';

/** A session that makes less of each second of video than this is slower than real time, and not just uneven. */
const BEHIND_BELOW = 0.95;

/**
 * Whether a session falls behind on air: what it should encode piles up, it gains nothing on it, and GOPs have come late.
 * One that has just begun, or that waits for its contribution, does not.
 */
const fallsBehind = ({ state, ready, realTimeRatio, lateGops }: SessionInfo): boolean =>
  state === 'publishing' && !ready && lateGops > 0 && realTimeRatio < BEHIND_BELOW;

/**
 * Encode units that an encoder carries in real time: its capacity, or, while sessions fall behind, what it has shown that
 * it can do. Its CPU may look fine meanwhile: it waits for a disk, a network, or a core that others use.
 */
export const usableUnits = ({ capacityUnits, telemetry }: EncoderObservation): number => {
  const sessions = telemetry?.sessions ?? [];
  if (!sessions.some(fallsBehind)) return capacityUnits;
  const carried = sessions
    .filter(({ state }) => state !== 'released' && state !== 'failed')
    .reduce((sum, s) => sum + s.units * (fallsBehind(s) ? s.realTimeRatio : 1), 0);
  return Math.min(capacityUnits, carried);
};
