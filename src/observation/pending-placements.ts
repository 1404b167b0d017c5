import { ladderUnits, type ChannelSpec, type EncoderObservation, type SessionInfo } from '../domain';
import { monotonicMs } from '../platform/clock';

/** By then a session is in its host's telemetry, or never will be. */
const FORGET_AFTER_MS = 10_000;

interface Placement {
  encoderId: string;
  session: SessionInfo;
  /** Monotonic. */
  atMs: number;
}

/**
 * Sessions that were decided on but that no telemetry shows yet. Channels placed side by side, as after the
 * loss of an encoder, would else all choose the same emptiest one.
 */
export class PendingPlacements {
  private readonly placements = new Map<string, Placement>();

  constructor(private readonly nowMs: () => number = monotonicMs) {}

  add(encoderId: string, sessionId: string, spec: ChannelSpec, rungs: number): void {
    const ladder = spec.ladder.slice(0, rungs);
    const session: SessionInfo = {
      sessionId,
      channelId: spec.id,
      state: 'starting',
      token: 0,
      renditions: ladder.map((rendition) => rendition.name),
      units: ladderUnits(ladder, spec.framesPerSecond),
      fromGop: 0,
      lastEncodedGop: -1,
      lastPublishedGop: -1,
      ready: false,
      realTimeRatio: 1,
      lateGops: 0,
    };
    this.placements.set(sessionId, { encoderId, session, atMs: this.nowMs() });
  }

  remove(sessionId: string): void {
    this.placements.delete(sessionId);
  }

  /** The observation with the sessions to come counted as if they ran. */
  addedTo(encoder: EncoderObservation): EncoderObservation {
    const { telemetry } = encoder;
    if (!telemetry) return encoder;
    const reported = new Set(telemetry.sessions.map((session) => session.sessionId));
    const coming: SessionInfo[] = [];
    for (const [sessionId, { encoderId, session, atMs }] of this.placements) {
      if (this.nowMs() - atMs > FORGET_AFTER_MS) this.placements.delete(sessionId);
      else if (encoderId === encoder.id && !reported.has(sessionId)) coming.push(session);
    }
    if (coming.length === 0) return encoder;
    const unitsUsed = coming.reduce((sum, session) => sum + session.units, telemetry.unitsUsed);
    return {
      ...encoder,
      telemetry: { ...telemetry, unitsUsed, sessions: [...telemetry.sessions, ...coming] },
    };
  }
}
