import type { OriginChannel } from '../contracts/origin';
import type { EncoderLost, EncoderTelemetry, SessionFailed } from '../domain';

/** What the sentinel reads of a channel at the origin. */
export type OwnedChannel = Pick<OriginChannel, 'id' | 'owner'>;

export type SentinelEvent =
  { signal: 'encoderLost'; payload: EncoderLost } | { signal: 'sessionFailed'; payload: SessionFailed };

/** An encoder that has not answered for this long, twice in a row, is lost. */
const SILENCE_MS = 1_000;
/** An owner's session that its encoder doesn't know may be one that is just being made, or replaced. */
const UNKNOWN_SESSION_GRACE_MS = 3_000;
const REMEMBERED_FAILURES = 1_000;

interface Watched {
  /** Which start of the host this is: address, process and start time. */
  incarnation: string;
  state: 'unseen' | 'alive' | 'lost';
  lastAnswerMs: number;
  misses: number;
  /** Sessions that it had at its last answer. */
  sessionIds: ReadonlySet<string>;
}

/**
 * Notices lost encoders and failed sessions, and reports each once. Knows nothing of networks or clocks: it is fed
 * with what was observed and when.
 *
 * An encoder is lost when it was alive and then: is being restarted, was restarted, left the fleet while it owned
 * channels, stayed silent, broke its health watch and does not answer either, or lost all the sessions that own
 * channels. One that comes back is watched again; one never seen alive can't be lost.
 */
export class Sentinel {
  private readonly watched = new Map<string, Watched>();
  private readonly failuresTold = new Set<string>();
  private readonly unknownSinceMs = new Map<string, number>();

  constructor(private readonly emit: (event: SentinelEvent) => void) {}

  get lostEncoders(): string[] {
    return [...this.watched].filter(([, w]) => w.state === 'lost').map(([id]) => id);
  }

  isAlive(encoderId: string): boolean {
    return this.watched.get(encoderId)?.state === 'alive';
  }

  /** What the fleet says of an encoder. */
  fleetSays(encoderId: string, incarnation: string, running: boolean, atMs: number): void {
    const known = this.watched.get(encoderId);
    if (known?.incarnation === incarnation) {
      if (!running) this.lose(encoderId, 'the fleet is restarting it', atMs);
      return;
    }
    if (known) this.lose(encoderId, 'it was restarted', atMs);
    this.watched.set(encoderId, {
      incarnation,
      state: 'unseen',
      lastAnswerMs: atMs,
      misses: 0,
      sessionIds: new Set(),
    });
  }

  /** The fleet no longer has other encoders than these. */
  fleetHasOnly(encoderIds: ReadonlySet<string>, owners: ReadonlySet<string>, atMs: number): void {
    for (const id of this.watched.keys()) {
      if (encoderIds.has(id)) continue;
      if (owners.has(id)) this.lose(id, 'it left the fleet', atMs);
      this.watched.delete(id);
    }
  }

  answered(encoderId: string, telemetry: EncoderTelemetry, atMs: number): void {
    const watched = this.watched.get(encoderId);
    if (!watched) return;
    watched.state = 'alive';
    watched.lastAnswerMs = atMs;
    watched.misses = 0;
    watched.sessionIds = liveSessions(telemetry);
  }

  /** @param conclusive other evidence says the same, so that a single miss is enough */
  missed(encoderId: string, evidence: string, atMs: number, conclusive = false): void {
    const watched = this.watched.get(encoderId);
    if (!watched) return;
    watched.misses += 1;
    const silent = watched.misses >= 2 && atMs - watched.lastAnswerMs >= SILENCE_MS;
    if (silent || conclusive) this.lose(encoderId, evidence, atMs);
  }

  /**
   * Compares the owners at the origin, read after this answer, with the sessions that the encoder has.
   * @param before sessions that it had at the answer before this one
   */
  compareOwners(
    encoderId: string,
    telemetry: EncoderTelemetry,
    before: ReadonlySet<string>,
    channels: readonly OwnedChannel[],
    atMs: number,
  ): void {
    const owned = channels.filter((c) => c.owner?.encoderId === encoderId);
    const sessions = new Map(telemetry.sessions.map((s) => [s.sessionId, s]));
    const live = liveSessions(telemetry);
    const forgotten = owned.filter(({ owner }) => owner && !sessions.has(owner.sessionId));

    const hadThem = forgotten.filter(({ owner }) => owner && before.has(owner.sessionId));
    if (hadThem.length > 0 && forgotten.length === owned.length && live.size === 0) {
      this.lose(encoderId, `its ${hadThem.length} sessions vanished: the host was restarted`, atMs);
      const watched = this.watched.get(encoderId);
      if (watched) watched.state = 'alive';
      return;
    }
    for (const { id, owner } of owned) {
      const session = owner && sessions.get(owner.sessionId);
      if (session?.state !== 'failed') continue;
      const { code, message } = session.failure ?? { code: 'session-failed', message: 'the session failed' };
      this.sessionFailed(id, encoderId, session.sessionId, code, message, atMs);
    }
    this.noteForgotten(encoderId, forgotten, atMs);
  }

  sessionsBefore(encoderId: string): ReadonlySet<string> {
    return this.watched.get(encoderId)?.sessionIds ?? new Set();
  }

  private noteForgotten(encoderId: string, forgotten: readonly OwnedChannel[], atMs: number): void {
    const keys = new Set(forgotten.map((c) => `${encoderId} ${c.id} ${c.owner?.sessionId}`));
    for (const key of this.unknownSinceMs.keys()) {
      if (key.startsWith(`${encoderId} `) && !keys.has(key)) this.unknownSinceMs.delete(key);
    }
    for (const { id, owner } of forgotten) {
      if (!owner) continue;
      const key = `${encoderId} ${id} ${owner.sessionId}`;
      const since = this.unknownSinceMs.get(key) ?? atMs;
      this.unknownSinceMs.set(key, since);
      if (atMs - since < UNKNOWN_SESSION_GRACE_MS) continue;
      const message = `${encoderId} has no session ${owner.sessionId}, which owns ${id}`;
      this.sessionFailed(id, encoderId, owner.sessionId, 'unknown-session', message, atMs);
    }
  }

  private sessionFailed(
    channelId: string,
    encoderId: string,
    sessionId: string,
    code: string,
    message: string,
    atMs: number,
  ): void {
    const key = `${channelId} ${sessionId}`;
    if (this.failuresTold.has(key)) return;
    this.failuresTold.add(key);
    for (const oldest of this.failuresTold) {
      if (this.failuresTold.size <= REMEMBERED_FAILURES) break;
      this.failuresTold.delete(oldest);
    }
    this.emit({
      signal: 'sessionFailed',
      payload: { channelId, encoderId, sessionId, code, message, atMs },
    });
  }

  private lose(encoderId: string, evidence: string, atMs: number): void {
    const watched = this.watched.get(encoderId);
    if (watched?.state !== 'alive') return;
    watched.state = 'lost';
    watched.sessionIds = new Set();
    this.emit({ signal: 'encoderLost', payload: { encoderId, evidence, atMs } });
  }
}

const liveSessions = (telemetry: EncoderTelemetry): ReadonlySet<string> =>
  new Set(telemetry.sessions.filter((s) => s.state !== 'released').map((s) => s.sessionId));
