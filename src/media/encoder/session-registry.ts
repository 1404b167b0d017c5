import { isDeepStrictEqual } from 'node:util';
import type { PreparedSession } from '../../contracts/encoder/answers';
import { SELF_TEST_CHANNEL, type PrepareSession } from '../../contracts/encoder/requests';
import { SwarmError, levelOf, whyNotLadder, type CodecAbility, type SessionInfo } from '../../domain';
import type { Logger } from '../../platform/logger';
import type { FfmpegCapabilities } from './ffmpeg-capabilities';
import { otherFeedsOf, otherOriginsOf } from './gateways';
import { EncodeSession } from './session';
import type { PublishingSession } from './session-journal';

/** How long a preparation waits for the relay's first answer; after it the session goes on trying by itself. */
const FIRST_ANSWER_MS = 500;
/** Sums of fractions of units are not exact. */
const ROUNDING_UNITS = 1e-6;
/** A failed session can be looked at for this long, then it is forgotten. */
const FAILED_KEPT_MS = 300_000;

export interface RegistryOptions {
  encoderId: string;
  /** Its units may change while sessions run; those that run stay. */
  capacity: { readonly units: number };
  maxSessions: number;
  fencedReleaseMs: number;
  /** All origins that share the channels; default: each is alone. */
  originUrls?: readonly string[] | undefined;
  /** All relays that have the same channels; default: each is alone. */
  relayUrls?: readonly string[] | undefined;
  ffmpeg: FfmpegCapabilities;
  /** See RunOptions. */
  lowLatency?: boolean | undefined;
  codecs: CodecAbility[];
  log: Logger;
  onPublishedBytes(bytes: number): void;
  /** Which sessions publish has changed; not called while the host stops. */
  onPublishing?(sessions: PublishingSession[]): void;
}

interface Entry {
  session: EncodeSession;
  /** Settles once the relay has answered the first time, or FIRST_ANSWER_MS later. */
  opened: Promise<void>;
}

/** The sessions of an encoder host, and what it refuses. */
export class SessionRegistry {
  private readonly entries = new Map<string, Entry>();
  private closed = false;

  constructor(private readonly options: RegistryOptions) {}

  get unitsUsed(): number {
    return this.active().reduce((sum, s) => sum + s.units, 0);
  }

  /** Every session, with the cores that its ffmpeg uses by this measurement. */
  measured(cpuCoresOf: (pid: number | undefined) => number): SessionInfo[] {
    return [...this.entries.values()].map(({ session }) => ({
      ...session.info,
      cpuCores: cpuCoresOf(session.pid),
    }));
  }

  get ffmpegPids(): number[] {
    return this.active().flatMap((s) => s.pid ?? []);
  }

  /**
   * Starts a session, or gives the one that has its id already.
   * @throws SwarmError encoder-full, encoder-incompatible, conflict (the id with other content), unavailable (the
   * host is stopping), or what the relay refuses: unknown-channel, gop-left-ring.
   */
  async prepare(spec: PrepareSession): Promise<PreparedSession> {
    const known = this.entries.get(spec.sessionId);
    if (known && !isDeepStrictEqual(known.session.spec, spec)) {
      throw new SwarmError(
        'conflict',
        `Session ${spec.sessionId} exists with other content.`,
        'Name a new session.',
      );
    }
    const entry = known ?? this.add(spec);
    await entry.opened;
    const { session } = entry;
    const { error } = session;
    if (known || !error) return { ...session.info, secretSha256: session.secretSha256 };
    session.release('refused by the relay');
    throw error;
  }

  /**
   * Goes on with a session of an earlier run of this host, which publishes from a GOP on.
   * @throws SwarmError encoder-full, encoder-incompatible
   */
  resume({ order, token, secret }: PublishingSession, firstGop: number): void {
    this.add(order, secret).session.commit(token, firstGop);
  }

  /** @throws SwarmError unknown-session. */
  get(sessionId: string): EncodeSession {
    const entry = this.entries.get(sessionId);
    if (entry) return entry.session;
    throw new SwarmError(
      'unknown-session',
      `Encoder ${this.options.encoderId} has no session ${sessionId}; it was released, or the host was restarted.`,
      'Prepare a new session.',
    );
  }

  /** Ends a session; null when there is none. */
  release(sessionId: string): SessionInfo | null {
    const entry = this.entries.get(sessionId);
    if (!entry) return null;
    entry.session.release('by request');
    return entry.session.info;
  }

  /** Ends all sessions and takes no more. */
  close(): void {
    this.closed = true;
    for (const { session } of [...this.entries.values()]) session.release('the host stops');
  }

  private active(): EncodeSession[] {
    return [...this.entries.values()].map((e) => e.session).filter((s) => s.active);
  }

  private add(spec: PrepareSession, secret?: string): Entry {
    const { encoderId, ffmpeg, log, fencedReleaseMs, lowLatency } = this.options;
    if (this.closed) throw new SwarmError('unavailable', `Encoder ${encoderId} is stopping.`);
    this.refuseIncompatible(spec);
    const session = new EncodeSession({
      spec,
      encoderId,
      ffmpeg,
      log,
      fencedReleaseMs,
      otherOriginUrls: otherOriginsOf(spec.originUrl, this.options.originUrls),
      otherFeedUrls: otherFeedsOf(spec.feedUrl, this.options.relayUrls),
      lowLatency,
      secret,
      onPublishing: () => this.publishingChanged(),
      onPublishedBytes: (bytes) => this.options.onPublishedBytes(bytes),
      onReleased: () => this.forget(session),
      onFailed: () => setTimeout(() => this.forget(session), FAILED_KEPT_MS).unref(),
    });
    this.refuseOverCapacity(session);
    let timer: NodeJS.Timeout | undefined;
    const opened = Promise.race([
      session.start(),
      new Promise<void>((resolve) => (timer = setTimeout(resolve, FIRST_ANSWER_MS))),
    ]).finally(() => clearTimeout(timer));
    const entry = { session, opened };
    this.entries.set(spec.sessionId, entry);
    return entry;
  }

  private publishingChanged(): void {
    if (this.closed) return;
    const sessions = [...this.entries.values()].flatMap(({ session }) => session.publishing ?? []);
    this.options.onPublishing?.(sessions.filter(({ order }) => order.channelId !== SELF_TEST_CHANNEL));
  }

  private forget(session: EncodeSession): void {
    const id = session.spec.sessionId;
    if (this.entries.get(id)?.session === session) this.entries.delete(id);
  }

  private refuseIncompatible(spec: PrepareSession): void {
    const { ffmpeg, encoderId, codecs } = this.options;
    for (const rendition of spec.renditions) levelOf(rendition, spec.framesPerSecond);
    const why = whyNotLadder({ codecs }, spec.renditions);
    if (why === null) return;
    throw new SwarmError(
      'encoder-incompatible',
      `Encoder ${encoderId}, with ffmpeg ${ffmpeg.version}, ${why}.`,
      'Set FFMPEG to a build that has it, or choose another encoder.',
    );
  }

  /**
   * Units that channels hold, with more sessions. A change of ladder has two sessions of one channel for about a
   * GOP: they have the room of the larger one, or no ladder could change on a well-filled encoder.
   */
  private unitsClaimed(more: EncodeSession[]): number {
    const byChannel = new Map<string, number>();
    for (const { spec, units } of [...this.active(), ...more]) {
      byChannel.set(spec.channelId, Math.max(units, byChannel.get(spec.channelId) ?? 0));
    }
    return [...byChannel.values()].reduce((sum, units) => sum + units, 0);
  }

  private refuseOverCapacity(session: EncodeSession): void {
    const { encoderId, maxSessions } = this.options;
    const { units: capacityUnits } = this.options.capacity;
    const hint = 'Choose another encoder, or release sessions here.';
    const sessions = this.active().length;
    if (sessions + 1 > maxSessions) {
      throw new SwarmError(
        'encoder-full',
        `Encoder ${encoderId} has ${sessions} of ${maxSessions} sessions.`,
        hint,
      );
    }
    const used = this.unitsClaimed([]);
    if (this.unitsClaimed([session]) <= capacityUnits + ROUNDING_UNITS) return;
    throw new SwarmError(
      'encoder-full',
      `Encoder ${encoderId} uses ${used.toFixed(2)} of ${capacityUnits} units; ${session.units.toFixed(2)} more do not fit.`,
      hint,
      { unitsUsed: used, unitsAsked: session.units, capacityUnits },
    );
  }
}
