import { createHash } from 'node:crypto';
import type { PreparedSession } from '../../../src/contracts/encoder/answers';
import type { PrepareSession } from '../../../src/contracts/encoder/requests';
import type { LedgerEntry, OriginChannel, OwnRequest } from '../../../src/contracts/origin';
import type { GopLedger, RelayChannel } from '../../../src/contracts/relay';
import {
  SwarmError,
  httpStatusOf,
  ladderUnits,
  type EncoderInfo,
  type EncoderTelemetry,
  type InstalledBuild,
  type SessionInfo,
  type SessionState,
} from '../../../src/domain';
import {
  judgePublish,
  newOwnership,
  own,
  published,
  removed,
  type OwnershipState,
} from '../../../src/media/origin/ownership';
import { ledgerEntry, originChannel, relayChannel } from '../../support/wire';
import type { Part } from './network-model';
import type { VirtualClock } from './virtual-clock';

const GOP_MS = 2_000;
const RING_GOPS = 30;
/** ffmpeg's start and the first GOP; each further one that is there already. */
const FIRST_GOP_MS = 150;
const CATCH_UP_GOP_MS = 100;
const FENCED_RELEASE_MS = 30_000;

/** Seals a GOP every two seconds, whatever happens elsewhere, and keeps the last 30 on disk. */
export class RelayModel implements Part {
  readonly name = 'relay';
  isUp = true;
  readonly channelIds = new Set<string>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly bornMs: number,
  ) {}

  get lastSealed(): number {
    return Math.floor((this.clock.nowMs - this.bornMs) / GOP_MS) - 1;
  }
  get oldest(): number {
    return Math.max(0, this.lastSealed - RING_GOPS + 1);
  }
  sealedAtMs(gop: number): number {
    return this.bornMs + (gop + 1) * GOP_MS;
  }
  channel(id: string): RelayChannel {
    const { lastSealed, oldest } = this;
    return relayChannel({
      id,
      oldestGop: oldest,
      openGop: lastSealed + 1,
      lastSealedGop: lastSealed,
      nextGop: lastSealed + 1,
      gopDurationTicks: GOP_MS * 90,
    });
  }
  /** @throws SwarmError timeout */
  sealed(gop: number): GopLedger {
    if (gop > this.lastSealed) throw new SwarmError('timeout', `GOP ${gop} is not sealed.`);
    return { gop, ptsTicks: [gop * GOP_MS * 90], sha256: 'of-the-model', sealedAtMs: this.sealedAtMs(gop) };
  }
  crash(): void {
    this.isUp = false;
    setTimeout(() => (this.isUp = true), 1_000);
  }
}

export interface Accepted {
  gop: number;
  token: number;
  encoderId: string;
  sessionId: string;
  /** Build that encoded it. */
  buildId: string | undefined;
  atMs: number;
}

/** What the origin goes by; a sabotage takes one away. */
interface OriginRules {
  isFenced: boolean;
  hasSecrets: boolean;
}

interface Publisher {
  encoderId: string;
  sessionId: string;
  secretSha256: string;
  buildId?: string;
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
const A_GUESS = sha256Of('a guess');

const entryOf = ({ gop, token, encoderId, sessionId, atMs }: Accepted): LedgerEntry =>
  ledgerEntry({ gop, token, encoderId, sessionId, publishedAtMs: atMs });

/** One channel by the rules of the real origin (src/media/origin/ownership.ts), durable before they are answered. */
export class OriginChannelModel {
  state: OwnershipState = newOwnership();
  readonly accepted: Accepted[] = [];
  readonly grants: { token: number; requestId: string }[] = [];
  /** GOPs that a stranger got in. */
  readonly strangersGops: number[] = [];
  private tokenTried = -1;

  constructor(
    private readonly clock: VirtualClock,
    readonly id: string,
    private readonly rules: OriginRules,
  ) {}

  get description(): OriginChannel {
    const { token, owner, nextGop, hasPublished } = this.state;
    const lastPublishedAtMs = this.accepted.at(-1)?.atMs ?? null;
    return originChannel({ id: this.id, token, owner, nextGop, hasPublished, lastPublishedAtMs });
  }
  own(request: OwnRequest): { token: number; firstGop: number } {
    const { ownerSecretSha256: _secret, ...withoutSecret } = request;
    const { state, answer } = own(this.state, this.rules.hasSecrets ? request : withoutSecret);
    if (state !== this.state) this.grants.push({ token: answer.token, requestId: request.requestId });
    this.state = state;
    return answer;
  }
  publish(gop: number, token: number, by: Publisher): void {
    this.letStrangersTry();
    const { encoderId, sessionId, secretSha256, buildId } = by;
    const known = this.accepted.find((a) => a.gop === gop)?.token;
    const attempt = { gop, token, encoderId, sessionId, secretSha256 };
    if (this.rules.isFenced && judgePublish(this.state, attempt, known) !== 'next') return;
    this.state = published(this.state);
    this.accepted.push({ gop, token, encoderId, sessionId, buildId, atMs: this.clock.nowMs });
  }
  /** All that the origin shows of the owner, at the right moment; but no secret, or another one. Once for each grant. */
  private letStrangersTry(): void {
    const { owner, token, nextGop } = this.state;
    if (!this.rules.isFenced || !owner || this.tokenTried === token) return;
    this.tokenTried = token;
    for (const shown of [{}, { secretSha256: A_GUESS }]) {
      try {
        judgePublish(this.state, { gop: nextGop, token, ...owner, ...shown }, undefined);
        this.strangersGops.push(nextGop);
      } catch {
        // Refused, as it must be.
      }
    }
  }
  ledger(from: number, to: number): LedgerEntry[] {
    return this.accepted.filter(({ gop }) => gop >= from && gop < to).map(entryOf);
  }
  async wait(gop: number, waitMs: number): Promise<LedgerEntry> {
    const endMs = this.clock.nowMs + waitMs;
    for (;;) {
      if (gop < this.state.nextGop) {
        const entry = this.accepted.find((a) => a.gop === gop);
        return entry ? entryOf(entry) : ledgerEntry({ gop, publishedAtMs: this.clock.nowMs });
      }
      if (this.clock.nowMs >= endMs) throw new SwarmError('timeout', `GOP ${gop} is not published.`);
      await this.clock.after(Math.min(100, endMs - this.clock.nowMs));
    }
  }
}

export class OriginModel implements Part {
  readonly name = 'origin';
  isUp = true;
  readonly channels = new Map<string, OriginChannelModel>();
  /** The token of a channel that was removed: it never goes down, also when the channel is added again. */
  private readonly removedTokens = new Map<string, number>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly rules: OriginRules,
  ) {}

  register(id: string): OriginChannelModel {
    const known = this.channels.get(id);
    if (known) return known;
    const channel = new OriginChannelModel(this.clock, id, this.rules);
    channel.state = { ...channel.state, token: this.removedTokens.get(id) ?? 0 };
    this.channels.set(id, channel);
    return channel;
  }
  remove(id: string): void {
    const channel = this.channels.get(id);
    if (!channel) return;
    this.removedTokens.set(id, removed(channel.state).token);
    this.channels.delete(id);
  }
  /** @throws SwarmError unknown-channel */
  channel(id: string): OriginChannelModel {
    const channel = this.channels.get(id);
    if (!channel) throw new SwarmError('unknown-channel', `The origin does not know ${id}.`);
    return channel;
  }
  crash(): void {
    this.isUp = false;
    setTimeout(() => (this.isUp = true), 1_000);
  }
}

/** As much of relay and origin as a session needs. */
type Feed = Pick<RelayModel, 'isUp' | 'lastSealed' | 'sealedAtMs'>;
interface Destination {
  isUp: boolean;
  channel: (id: string) => Pick<OriginChannelModel, 'publish'>;
}

/** Channel of the sessions that a self-test makes: they take a clip from, and bring it to, the worker. */
export const SELF_TEST_CHANNEL = 'self-test';
const CLIP_GOPS = 3;
const clip = (fromGop: number): Feed => ({
  isUp: true,
  lastSealed: fromGop + CLIP_GOPS - 1,
  sealedAtMs: (gop) => (gop < fromGop + CLIP_GOPS ? 0 : Infinity),
});
const clipTaker: Destination = { isUp: true, channel: () => ({ publish: () => undefined }) };

/** One session: encodes a GOP once it is sealed, holds it, and publishes in order once it is committed. */
class SessionModel {
  state: SessionState = 'starting';
  token = 0;
  lastEncoded: number;
  lastPublished = -1;
  private nextToPublish = 0;
  private isEnded = false;

  constructor(
    private readonly clock: VirtualClock,
    private readonly relay: Feed,
    private readonly origin: Destination,
    private readonly encoderId: string,
    readonly order: PrepareSession,
    private readonly isAlive: () => boolean,
    private readonly build: BuildModel | undefined,
    /** Digest of the secret that it shows. */
    readonly secretSha256: string,
  ) {
    this.lastEncoded = order.fromGop - 1;
    void this.encode();
  }

  get info(): SessionInfo {
    const { order, state, token, lastEncoded, lastPublished } = this;
    return {
      sessionId: order.sessionId,
      channelId: order.channelId,
      state,
      token,
      renditions: order.renditions.map((r) => r.name),
      units: ladderUnits(order.renditions, order.framesPerSecond),
      fromGop: order.fromGop,
      lastEncodedGop: Math.max(-1, lastEncoded),
      lastPublishedGop: lastPublished,
      ready: lastEncoded >= order.fromGop && lastEncoded >= this.relay.lastSealed - 1,
      realTimeRatio: this.build?.realTimeRatio ?? 1,
      lateGops: 0,
    };
  }

  private get isOver(): boolean {
    return this.isEnded || !this.isAlive();
  }

  commit(token: number, firstGop: number): void {
    if (token < this.token) throw new SwarmError('stale-token', `${token} is older than ${this.token}`);
    if (token === this.token) return;
    this.token = token;
    this.state = 'publishing';
    this.nextToPublish = firstGop;
    void this.publish(token);
  }

  release(): void {
    this.state = 'released';
    this.isEnded = true;
  }

  private async encode(): Promise<void> {
    await this.clock.after(FIRST_GOP_MS);
    while (!this.isOver) {
      const gop = this.lastEncoded + 1;
      const waitMs = this.relay.sealedAtMs(gop) - this.clock.nowMs;
      await this.clock.after(waitMs > 0 ? waitMs + FIRST_GOP_MS : CATCH_UP_GOP_MS);
      if (this.isOver) return;
      // The feed comes from the relay: while it is away, nothing does.
      if (!this.relay.isUp) continue;
      this.lastEncoded = gop;
      if (this.state === 'starting') this.state = 'holding';
    }
  }

  private async publish(token: number): Promise<void> {
    while (!this.isOver && this.token === token) {
      const gop = this.nextToPublish;
      if (gop < this.order.fromGop) return this.fail();
      if (gop > this.lastEncoded || !this.origin.isUp) {
        const encodedAtMs = this.relay.sealedAtMs(gop) + FIRST_GOP_MS;
        await this.clock.after(Math.max(50, encodedAtMs - this.clock.nowMs));
        continue;
      }
      try {
        const { channelId, sessionId } = this.order;
        const { encoderId, secretSha256, build } = this;
        const buildId = build && { buildId: build.buildId };
        this.origin
          .channel(channelId)
          .publish(gop, token, { encoderId, sessionId, secretSha256, ...buildId });
        this.lastPublished = gop;
        this.nextToPublish = gop + 1;
      } catch (error) {
        const { code, details } = error as SwarmError;
        if (code === 'gop-exists') this.nextToPublish = gop + 1;
        else if (code === 'out-of-order') this.nextToPublish = details?.nextGop as number;
        else return this.fenced(token);
      }
    }
  }

  private fail(): void {
    this.state = 'failed';
    this.isEnded = true;
  }

  private async fenced(token: number): Promise<void> {
    this.state = 'fenced';
    await this.clock.after(FENCED_RELEASE_MS);
    if (this.state === 'fenced' && this.token === token) this.release();
  }
}

/** A build of ffmpeg as a host runs it. */
export interface BuildModel extends InstalledBuild {
  /** Media seconds encoded per wall second. */
  realTimeRatio: number;
}

/** Time that a host takes to start anew with another build. */
const CHANGE_OF_BUILD_MS = 800;

/** An encoder host: its sessions die with it. */
export class EncoderModel implements Part {
  isUp = true;
  life = 1;
  build: BuildModel | undefined;
  readonly sessions = new Map<string, SessionModel>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly host: EncoderInfo,
    private readonly relay: RelayModel,
    private readonly origin: OriginModel,
    private readonly restartMs = 3_000,
  ) {}

  get name(): string {
    return this.host.id;
  }

  get info(): EncoderInfo {
    return this.build ? { ...this.host, buildDigest: this.build.digest } : this.host;
  }

  crash(restartMs = this.restartMs): void {
    this.isUp = false;
    this.life += 1;
    this.sessions.clear();
    const { life } = this;
    setTimeout(() => {
      if (this.life === life) this.isUp = true;
    }, restartMs);
  }

  /** Ends the host, starts it anew with a build. */
  async changeBuild(build: BuildModel): Promise<void> {
    this.build = build;
    this.crash(CHANGE_OF_BUILD_MS);
    await this.clock.after(CHANGE_OF_BUILD_MS);
  }

  telemetry(): EncoderTelemetry {
    const sessions = [...this.sessions.values()].map((s) => s.info).filter((s) => s.state !== 'released');
    const unitsUsed = sessions.reduce((sum, s) => sum + s.units, 0);
    return {
      atMs: this.clock.nowMs,
      cpuCores: 0.1 * unitsUsed,
      memoryMiB: 100,
      networkKbps: 100,
      unitsUsed,
      sessions,
    };
  }

  prepare(order: PrepareSession): PreparedSession {
    const known = this.sessions.get(order.sessionId);
    if (known) return { ...known.info, secretSha256: known.secretSha256 };
    const { life } = this;
    const isSelfTest = order.channelId === SELF_TEST_CHANNEL;
    const session = new SessionModel(
      this.clock,
      isSelfTest ? clip(order.fromGop) : this.relay,
      isSelfTest ? clipTaker : this.origin,
      this.info.id,
      order,
      () => this.isUp && this.life === life,
      this.build,
      sha256Of(`${this.info.id} ${life} ${order.sessionId}`),
    );
    this.sessions.set(order.sessionId, session);
    return { ...session.info, secretSha256: session.secretSha256 };
  }

  private known(sessionId: string): SessionModel {
    const session = this.sessions.get(sessionId);
    if (!session) throw new SwarmError('unknown-session', `${this.info.id} has no session ${sessionId}`);
    return session;
  }

  session(sessionId: string): SessionInfo {
    return this.known(sessionId).info;
  }

  async awaitReady(sessionId: string, waitMs: number): Promise<SessionInfo> {
    const endMs = this.clock.nowMs + waitMs;
    for (;;) {
      const { info } = this.known(sessionId);
      if (info.ready || info.state === 'failed' || info.state === 'released') return info;
      if (this.clock.nowMs >= endMs) return info;
      await this.clock.after(50);
    }
  }

  commit(sessionId: string, token: number, firstGop: number): SessionInfo {
    const session = this.known(sessionId);
    session.commit(token, firstGop);
    return session.info;
  }

  release(sessionId: string, isDeaf = false): SessionInfo {
    const session = this.sessions.get(sessionId);
    if (!isDeaf) session?.release();
    return { ...(session?.info as SessionInfo), sessionId, state: 'released' };
  }
}

/** A refusal as an HTTP answer. */
export const refusedAnswer = (error: unknown): { status: number; body: unknown } => {
  if (!(error instanceof SwarmError)) throw error;
  return { status: httpStatusOf[error.code], body: error.toBody() };
};
