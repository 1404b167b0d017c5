import type {
  DeclaredGap,
  LedgerEntry,
  OriginChannel,
  OwnAnswer,
  OwnRequest,
} from '../../../src/contracts/origin';
import type { RelayChannel } from '../../../src/contracts/relay';
import { SwarmError, ticksToMs, type ChannelSpec, type Owner } from '../../../src/domain';
import { declareGap, newOwnership, own, type OwnershipState } from '../../../src/media/origin';

/** What the relay holds, in GOPs: the default ring at the default length of a GOP. */
const RING_GOPS = 30;
/** Owners whose GOPs can still be told apart. */
const REMEMBERED_GRANTS = 32;
const SEGMENT_BYTES = 40_000;
const NO_DIGEST = '0'.repeat(64);

/** Whether a session publishes with a token, and from which GOP on; undefined: it does not. */
export type Publishes = (owner: Owner, token: number) => number | undefined;

interface Grant {
  firstGop: number;
  token: number;
  owner: Owner | null;
}

/**
 * One channel at a relay and an origin that hold no media. Who owns it is decided by the origin's own rules; what was sealed
 * and published follows from the clock when somebody asks, so that a channel nobody asks about costs nothing.
 */
export class SimulatedChannel {
  private state: OwnershipState = newOwnership();
  private readonly grants: Grant[] = [];
  private refusals: OriginChannel['refusals'] = {};
  private readonly gopMs: number;

  /** @param epochMs wall clock at which its GOP 0 began */
  constructor(
    readonly spec: Pick<ChannelSpec, 'id' | 'gopDurationTicks' | 'framesPerSecond'>,
    private readonly epochMs: number,
    private readonly publishes: Publishes,
  ) {
    this.gopMs = ticksToMs(spec.gopDurationTicks);
  }

  get token(): number {
    return this.state.token;
  }

  get owner(): Owner | null {
    return this.state.owner;
  }

  /** First GOP that is not published. */
  nextGopAt(nowMs: number): number {
    this.settle(nowMs);
    return this.state.nextGop;
  }

  atOrigin(nowMs: number): OriginChannel {
    this.settle(nowMs);
    const { id, gopDurationTicks, framesPerSecond } = this.spec;
    const { token, owner, nextGop, hasPublished, gapsDeclared, ownerSecretSha256 } = this.state;
    return {
      ...{ id, gopDurationTicks, framesPerSecond, token, owner, nextGop, hasPublished, gapsDeclared },
      ownerHasSecret: ownerSecretSha256 !== null,
      lastPublishedAtMs: hasPublished ? this.sealedAtMs(nextGop - 1) : null,
      oldestGop: hasPublished ? Math.max(0, nextGop - RING_GOPS) : null,
      refusals: this.refusals,
    };
  }

  atRelay(nowMs: number): RelayChannel {
    const { id, gopDurationTicks, framesPerSecond } = this.spec;
    const openGop = this.openGop(nowMs);
    return {
      ...{ id, gopDurationTicks, openGop },
      oldestGop: Math.max(0, openGop - RING_GOPS),
      lastSealedGop: openGop > 0 ? openGop - 1 : null,
      nextGop: openGop,
      resumeSourceTicks: openGop * gopDurationTicks,
      unsavedGops: 0,
      ingestConnected: true,
      lastIngestAtMs: nowMs,
      framesIn: Math.floor(((nowMs - this.epochMs) / 1_000) * Number(framesPerSecond)),
    };
  }

  /** @throws SwarmError as the origin does */
  own(request: OwnRequest, nowMs: number): OwnAnswer {
    this.settle(nowMs);
    const { state, answer } = this.counted(() => own(this.state, request));
    if (state !== this.state) this.grants.push({ ...answer, owner: request.owner });
    if (this.grants.length > REMEMBERED_GRANTS) this.grants.shift();
    this.state = state;
    return answer;
  }

  /** @throws SwarmError as the origin does */
  declareGap(gap: DeclaredGap, nowMs: number): void {
    this.settle(nowMs);
    this.state = this.counted(() => declareGap(this.state, gap)).state;
  }

  /** The entries of GOPs `from` to `to`, exclusive, as far as they are kept. */
  ledger(from: number, to: number, nowMs: number): LedgerEntry[] {
    const next = this.nextGopAt(nowMs);
    const first = Math.max(from, next - RING_GOPS, 0);
    const count = Math.max(0, Math.min(to, next) - first);
    return Array.from({ length: count }, (_, i) => this.entry(first + i));
  }

  /** When a GOP that is awaited will be published, if its owner goes on; null: nobody publishes. */
  dueAtMs(gop: number): number | null {
    const { owner, token } = this.state;
    return owner && this.publishes(owner, token) !== undefined ? this.sealedAtMs(gop) : null;
  }

  /** Enters what was published since somebody asked last. */
  private settle(nowMs: number): void {
    const { owner, token, nextGop } = this.state;
    const firstGop = owner ? this.publishes(owner, token) : undefined;
    const openGop = this.openGop(nowMs);
    if (firstGop === undefined || openGop <= nextGop) return;
    this.state = { ...this.state, nextGop: openGop, hasPublished: true };
  }

  private entry(gop: number): LedgerEntry {
    const { token, owner } = this.grants.findLast(({ firstGop }) => firstGop <= gop) ?? {
      token: 0,
      owner: null,
    };
    const atMs = this.sealedAtMs(gop);
    return {
      ...{ gop, token },
      encoderId: owner?.encoderId ?? null,
      sessionId: owner?.sessionId ?? null,
      ...{ publishedAtMs: atMs, sealedAtMs: atMs, delayMs: 0 },
      renditions: [{ name: 'simulated', bytes: SEGMENT_BYTES, sha256: NO_DIGEST }],
    };
  }

  private counted<T>(change: () => T): T {
    try {
      return change();
    } catch (error) {
      if (error instanceof SwarmError)
        this.refusals = { ...this.refusals, [error.code]: (this.refusals[error.code] ?? 0) + 1 };
      throw error;
    }
  }

  private openGop(nowMs: number): number {
    return Math.max(0, Math.floor((nowMs - this.epochMs) / this.gopMs));
  }

  private sealedAtMs(gop: number): number {
    return this.epochMs + (gop + 1) * this.gopMs;
  }
}
