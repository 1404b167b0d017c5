import type { PrepareSession } from '../../contracts/encoder/requests';
import { feedProofOf } from '../../contracts/relay';
import { SwarmError, ladderUnits, type SessionInfo, type SessionState } from '../../domain';
import { ticksToMs } from '../../domain/media-time';
import type { Logger } from '../../platform/logger';
import { EncodeSupervisor } from './encode-supervisor';
import type { FfmpegCapabilities } from './ffmpeg-capabilities';
import { GopPublisher } from './gop-publisher';
import { HeldGops } from './held-gops';
import { askForPublicGop, type Publication } from './origin-client';
import { PartialPublisher } from './partial-publisher';
import type { PublishingSession } from './session-journal';
import { SessionSecret } from './session-secret';
import type { EncodedGop } from './types';

/** GOPs kept by a session that does not publish: a minute at 2 s, as long as the relay's ring. */
const MAX_HELD_GOPS = 30;
/** A publishing session rather keeps what it can, to bring it once the origin can be reached again. */
const MAX_UNPUBLISHED_BYTES = 64 * 1024 * 1024;
/** A GOP published more than so many GOP durations after the relay sealed it is late. */
const LATE_AFTER_GOPS = 1.5;
/** Short, as a handoff waits for it: only sessions that are being prepared look. */
const READY_POLL_MS = 5;

export interface SessionOptions {
  spec: PrepareSession;
  encoderId: string;
  ffmpeg: FfmpegCapabilities;
  log: Logger;
  /** A fenced session without an instruction for this long releases itself. */
  fencedReleaseMs: number;
  /** Further origins that share the channel, in the order in which they are asked. */
  otherOriginUrls?: readonly string[];
  /** The same feed at other relays, in the order in which they are read. */
  otherFeedUrls?: readonly string[];
  /** Of the session that is resumed; absent: a new one. */
  secret?: string | undefined;
  onPublishedBytes(bytes: number): void;
  /** It began to publish, with whatever token, or ended to. */
  onPublishing(): void;
  /** See RunOptions. */
  lowLatency?: boolean | undefined;
  /** Called once when it is released, by request or by itself. */
  onReleased(): void;
  onFailed(): void;
}

/**
 * One encoder working on one channel: encodes from a GOP on and holds what it makes; after a commit it publishes.
 * starting -> holding -> publishing -> fenced (the origin has another owner; it keeps encoding and holding) ->
 * publishing again or released. Any state may end in `failed` or `released`.
 */
export class EncodeSession {
  readonly units: number;
  readonly spec: PrepareSession;
  private readonly secret: SessionSecret;
  private readonly to: Publication;
  private readonly held = new HeldGops();
  private readonly supervisor: EncodeSupervisor;
  private readonly publisher: GopPublisher;
  private readonly partials: PartialPublisher;
  private readonly log: Logger;
  private state: SessionState = 'starting';
  private failure: SwarmError | null = null;
  private lastEncodedGop = -1;
  private lastPublishedGop = -1;
  private lateGops = 0;
  private publishingSinceMs = 0;
  private fencedTimer: NodeJS.Timeout | null = null;

  constructor(private readonly options: SessionOptions) {
    const { spec, encoderId } = options;
    this.spec = spec;
    this.log = options.log.child({ session: spec.sessionId, channel: spec.channelId });
    this.secret = new SessionSecret(options.secret);
    this.units = ladderUnits(spec.renditions, spec.framesPerSecond);
    const { originUrl, channelId, sessionId } = spec;
    const { otherOriginUrls } = options;
    this.to = { originUrl, otherOriginUrls, channelId, sessionId, encoderId, secret: this.secret.value };
    this.supervisor = new EncodeSupervisor({
      ...spec,
      otherFeedUrls: options.otherFeedUrls,
      feedProof: feedProofOf(this.secret.value),
      ffmpeg: options.ffmpeg,
      log: this.log,
      lowLatency: options.lowLatency ?? false,
      publicUpTo: options.lowLatency ? () => askForPublicGop(this.to) : undefined,
      onGop: (gop) => this.encoded(gop),
      onProgress: () => this.partials.notify(),
      onFailure: (error) => this.fail(error),
    });
    const { to } = this;
    this.partials = new PartialPublisher({
      ...{ to, gopDurationTicks: spec.gopDurationTicks, log: this.log },
      nextGop: () => this.publisher.nextGop,
      takePartial: (gop, fromTicks, nearTicks) => this.supervisor.takePartial(gop, fromTicks, nearTicks),
      cutsIn: (gop) => this.supervisor.cutsIn(gop),
    });
    this.publisher = new GopPublisher({
      to,
      held: this.held,
      nextEncodedGop: () => this.supervisor.nextGop,
      onPublished: (gop, bytes) => this.published(gop, bytes),
      onFenced: (gop) => this.fenced(gop),
      onMissing: (gop) => this.supervisor.goTo(gop),
      onFailure: (error) => this.fail(error),
    });
  }

  /** Resolves once the relay has answered; see `error` for what it refused. */
  start(): Promise<void> {
    return this.supervisor.start();
  }

  /** Hex SHA-256 of the secret that it shows to the origin. */
  get secretSha256(): string {
    return this.secret.sha256;
  }

  get error(): SwarmError | null {
    return this.failure;
  }

  /** Process id of its ffmpeg, while one runs. */
  get pid(): number | undefined {
    return this.supervisor.pid;
  }

  /** What makes it the owner of its channel; null while it is none. */
  get publishing(): PublishingSession | null {
    if (this.state !== 'publishing') return null;
    return { order: this.spec, token: this.publisher.token, secret: this.secret.value };
  }

  /** Neither failed nor released: it takes up capacity. */
  get active(): boolean {
    return this.state !== 'failed' && this.state !== 'released';
  }

  get info(): SessionInfo {
    const { spec, failure } = this;
    return {
      sessionId: spec.sessionId,
      channelId: spec.channelId,
      state: this.state,
      token: this.publisher.token,
      renditions: spec.renditions.map((r) => r.name),
      units: this.units,
      fromGop: spec.fromGop,
      lastEncodedGop: this.lastEncodedGop,
      lastPublishedGop: this.lastPublishedGop,
      ready: this.ready,
      ...(failure && { failure: { code: failure.code, message: failure.message } }),
      realTimeRatio: this.supervisor.realTimeRatio,
      ...(this.supervisor.speeds.length > 0 && { speeds: this.supervisor.speeds }),
      lateGops: this.lateGops,
      ...(this.state === 'publishing' && {
        publishingForMs: Math.round(performance.now() - this.publishingSinceMs),
      }),
    };
  }

  /** Warmed up by one GOP or more, and near the live edge. */
  private get ready(): boolean {
    return this.active && this.lastEncodedGop >= this.spec.fromGop && this.supervisor.isNearLiveEdge();
  }

  /** Resolves once the session is ready or over, or the time is up. */
  async awaitReady(waitMs: number): Promise<void> {
    const deadline = performance.now() + waitMs;
    while (this.active && !this.ready && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  /**
   * The session owns the channel from a GOP on: publishes what it holds from there, and what comes.
   * @throws SwarmError stale-token for a token lower than its own; session-failed when it is over.
   */
  commit(token: number, firstGop: number): void {
    if (!this.active) {
      const why = this.failure?.message ?? 'it was released';
      throw new SwarmError('session-failed', `Session ${this.spec.sessionId} can't publish: ${why}`);
    }
    if (token < this.publisher.token) {
      throw new SwarmError(
        'stale-token',
        `Token ${token} is older than token ${this.publisher.token} of session ${this.spec.sessionId}.`,
        'Ask the origin who owns the channel.',
        { token: this.publisher.token },
      );
    }
    if (token === this.publisher.token) return;
    this.clearFencedTimer();
    this.state = 'publishing';
    this.publishingSinceMs = performance.now();
    this.held.deleteBefore(firstGop);
    this.log.info({ token, firstGop }, 'publishing');
    this.publisher.begin(token, firstGop);
    this.partials.begin(token);
    this.options.onPublishing();
  }

  release(why: string): void {
    if (this.state === 'released') return;
    this.close('released');
    this.log.info({ why }, 'released');
    this.options.onReleased();
  }

  private encoded(gop: EncodedGop): void {
    this.lastEncodedGop = gop.gop;
    if (this.state === 'starting') this.state = 'holding';
    this.held.put(gop);
    if (this.state === 'publishing') this.held.trim(Infinity, MAX_UNPUBLISHED_BYTES);
    else this.held.trim(MAX_HELD_GOPS, MAX_UNPUBLISHED_BYTES);
    this.publisher.notify();
  }

  private published(gop: number, bytes: number): void {
    this.lastPublishedGop = gop;
    this.partials.notify();
    const sealedAgoMs = this.supervisor.sealedAgoMs(gop);
    if (sealedAgoMs !== null && sealedAgoMs > LATE_AFTER_GOPS * ticksToMs(this.spec.gopDurationTicks)) {
      this.lateGops += 1;
      this.log.warn({ gop, sealedAgoMs: Math.round(sealedAgoMs) }, 'late GOP');
    }
    this.options.onPublishedBytes(bytes);
  }

  private fenced(gop: number): void {
    this.state = 'fenced';
    this.partials.stop();
    this.log.info({ gop, token: this.publisher.token }, 'fenced');
    this.held.deleteBefore(gop);
    this.clearFencedTimer();
    this.fencedTimer = setTimeout(
      () => this.release('fenced, and without an instruction since'),
      this.options.fencedReleaseMs,
    );
    this.options.onPublishing();
  }

  private fail(error: SwarmError): void {
    if (!this.active) return;
    this.failure = error;
    this.close('failed');
    this.log.error({ code: error.code }, error.message);
    this.options.onFailed();
  }

  private close(state: 'failed' | 'released'): void {
    this.state = state;
    this.clearFencedTimer();
    this.supervisor.stop();
    this.publisher.stop();
    this.partials.stop();
    this.held.clear();
    this.options.onPublishing();
  }

  private clearFencedTimer(): void {
    if (this.fencedTimer) clearTimeout(this.fencedTimer);
    this.fencedTimer = null;
  }
}
