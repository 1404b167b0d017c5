import type { PrepareSession } from '../../../src/contracts/encoder/requests';
import { OriginClient } from '../../../src/contracts/origin';
import { SwarmError, ladderUnits, type SessionInfo, type SessionState } from '../../../src/domain';
import { GopPublisher } from '../../../src/media/encoder/gop-publisher';
import { HeldGops } from '../../../src/media/encoder/held-gops';
import type { AcceptedPut } from './contract';
import type { SessionFault } from './encoder-faults';
import type { GopClock } from './gop-clock';
import type { TinyGops } from './tiny-gops';

const MAX_HELD_GOPS = 30;
const MAX_HELD_BYTES = 64 * 1024 * 1024;
const FENCED_RELEASE_MS = 60_000;

export interface SimulatedSessionOptions {
  spec: PrepareSession;
  encoderId: string;
  fault: SessionFault;
  clock: GopClock;
  gops: TinyGops;
  /** Sabotage: once fenced it goes on under the name of the new owner. */
  impersonates: boolean;
  onAccepted(put: AcceptedPut): void;
  onReleased(): void;
  onFailed(): void;
}

/**
 * A session as src/media/encoder/session.ts has it, with that code's own publisher, but nothing to encode: each GOP is
 * there the moment that the relay seals it.
 */
export class SimulatedSession {
  readonly units: number;
  private state: SessionState = 'starting';
  private failure: SwarmError | null = null;
  private lastEncodedGop = -1;
  private lastPublishedGop = -1;
  private nextToEncode: number;
  private timer: NodeJS.Timeout | undefined;
  private fencedTimer: NodeJS.Timeout | undefined;
  private readonly held = new HeldGops();
  private readonly publisher: GopPublisher;
  private impersonator: GopPublisher | null = null;

  constructor(private readonly options: SimulatedSessionOptions) {
    const { spec, encoderId } = options;
    this.units = ladderUnits(spec.renditions, spec.framesPerSecond);
    this.nextToEncode = spec.fromGop;
    this.publisher = this.publisherAs(encoderId, spec.sessionId);
    this.encode();
  }

  get spec(): PrepareSession {
    return this.options.spec;
  }

  get active(): boolean {
    return this.state !== 'failed' && this.state !== 'released';
  }

  get info(): SessionInfo {
    const { spec, clock } = this.options;
    const nearLiveEdge = this.lastEncodedGop >= clock.lastSealed(spec.channelId) - 1;
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
      ready: this.active && this.lastEncodedGop >= spec.fromGop && nearLiveEdge,
      ...(this.failure && { failure: { code: this.failure.code, message: this.failure.message } }),
      realTimeRatio: 1,
      lateGops: 0,
    };
  }

  /** @throws SwarmError stale-token, session-failed, as the real one does */
  commit(token: number, firstGop: number): void {
    if (!this.active) throw new SwarmError('session-failed', `Session ${this.spec.sessionId} is over.`);
    if (token < this.publisher.token) {
      throw new SwarmError('stale-token', `Token ${token} is older than ${this.publisher.token}.`);
    }
    if (token === this.publisher.token) return;
    if (this.options.fault === 'dies-at-commit') {
      this.fail(
        new SwarmError('session-failed', `Session ${this.spec.sessionId} died when it was committed.`),
      );
      throw this.failure as SwarmError;
    }
    clearTimeout(this.fencedTimer);
    this.state = 'publishing';
    this.held.deleteBefore(firstGop);
    this.publisher.begin(token, firstGop);
    if (this.options.fault === 'dies-silently') {
      this.fail(new SwarmError('session-failed', `Session ${this.spec.sessionId} died after its commit.`));
    }
  }

  release(): void {
    if (this.state === 'released') return;
    this.close('released');
    this.options.onReleased();
  }

  private publisherAs(encoderId: string, sessionId: string): GopPublisher {
    const { spec } = this.options;
    const publisher: GopPublisher = new GopPublisher({
      to: { originUrl: spec.originUrl, channelId: spec.channelId, encoderId, sessionId },
      held: this.held,
      nextEncodedGop: () => this.nextToEncode,
      onPublished: (gop) => {
        this.lastPublishedGop = Math.max(this.lastPublishedGop, gop);
        // Under its own name, whatever name it published with.
        this.options.onAccepted({
          ...{ channelId: spec.channelId, gop, token: publisher.token },
          ...{ encoderId: this.options.encoderId, sessionId: spec.sessionId },
        });
      },
      onFenced: () => this.fenced(),
      onMissing: (gop) => {
        this.nextToEncode = gop;
        // The publisher waits for the notice from the next turn on.
        setImmediate(() => this.encode());
      },
      onFailure: (error) => this.fail(error),
    });
    return publisher;
  }

  /** Everything that is sealed; then what is sealed next. */
  private encode(): void {
    if (!this.active) return;
    clearTimeout(this.timer);
    const { spec, clock, gops } = this.options;
    const lastSealed = clock.lastSealed(spec.channelId);
    for (; this.nextToEncode <= lastSealed; this.nextToEncode += 1) {
      const gop = this.nextToEncode;
      const segment = gops.segment(gop);
      this.held.put({ gop, segments: spec.renditions.map(({ name }) => ({ name, segment })) });
      this.lastEncodedGop = gop;
      if (this.state === 'starting') this.state = 'holding';
    }
    this.held.trim(this.state === 'publishing' ? Infinity : MAX_HELD_GOPS, MAX_HELD_BYTES);
    this.publisher.notify();
    this.impersonator?.notify();
    const waitMs = clock.sealedAtMs(spec.channelId, this.nextToEncode) - Date.now();
    this.timer = setTimeout(() => this.encode(), Math.max(1, waitMs + 1));
  }

  private fenced(): void {
    this.state = 'fenced';
    if (this.options.impersonates) void this.impersonate();
    clearTimeout(this.fencedTimer);
    this.fencedTimer = setTimeout(() => this.release(), FENCED_RELEASE_MS);
  }

  private async impersonate(): Promise<void> {
    const { originUrl, channelId } = this.spec;
    const { owner, token, nextGop } = await new OriginClient(originUrl).channel(channelId);
    if (!owner || !this.active) return;
    this.impersonator = this.publisherAs(owner.encoderId, owner.sessionId);
    this.impersonator.begin(token, nextGop);
  }

  private fail(error: SwarmError): void {
    if (!this.active) return;
    this.failure = error;
    this.close('failed');
    this.options.onFailed();
  }

  private close(state: 'failed' | 'released'): void {
    this.state = state;
    clearTimeout(this.timer);
    clearTimeout(this.fencedTimer);
    this.publisher.stop();
    this.impersonator?.stop();
    this.held.clear();
  }
}
