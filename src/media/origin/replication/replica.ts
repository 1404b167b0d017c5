import { packGop, type ReplicaOrder } from '../../../contracts/origin-replica';
import { SwarmError, type ErrorCode } from '../../../domain';
import { storageRefusal } from '../../../platform/durable-file';
import { pause } from '../../../platform/retry';
import type { Held } from '../../ownership-store';
import { unknownChannel } from '../channel-refusals';
import type { ChannelRecord, LedgerRecord } from '../records';
import { channelFiles, repairLedger } from '../recovery';
import { RecordCopy } from './notes';
import { LeadLost, completest, enoughOf, majorityOf } from './quorum';
import { withLedger, type SharedRecord } from './records';
import { ReplicaLogCopy } from './replica-log';
import type { Peer, ReplicaChannel, ReplicaParts } from './settings';

const PROMISE_TIMEOUT_MS = 3_000;
const FOLLOW_TIMEOUT_MS = 8_000;
const PUT_TIMEOUT_MS = 4_000;
/** A lead that is lost as often within one request is the other's. */
const MOST_TRIES = 8;
const LONGEST_PAUSE_MS = 40;
/** Shorter than whoever asks waits for the answer. */
const TAKING_WAIT_MS = 700;

/** Refusals by what is known of owner and GOPs, which may be out of date. */
const JUDGEMENTS = new Set<ErrorCode>([
  'stale-token',
  'out-of-order',
  'gop-exists',
  'bad-request',
  'conflict',
]);
const isJudgement = (error: unknown): boolean => error instanceof SwarmError && JUDGEMENTS.has(error.code);

interface Lead {
  epoch: number;
  life: number;
}

/** A GOP as it is handed to peers. */
interface PackedGop extends Lead {
  gop: number;
  packed: Buffer<ArrayBuffer>;
}

/** One channel at one of several origins: takes the lead when it is asked for a change, and hands GOPs on while it leads. */
export class Replica {
  readonly copy: ReplicaLogCopy;
  private readonly recordCopy: RecordCopy;
  private held: Held<SharedRecord> | null = null;
  private lead: Lead | null = null;
  /** Another origin took the lead from this one, and nobody has asked for a change here since. */
  private isDisplaced = false;
  private catchingUp = false;
  private taking: Promise<void> = Promise.resolve();
  /** Peers that did not take the last GOP, or have not followed yet. */
  private readonly behind = new Set<Peer>();
  /** Peers to which a GOP is on its way, and whether a later one passed them by meanwhile. */
  private readonly busy = new Map<Peer, { missed: boolean }>();

  constructor(
    private readonly channel: ReplicaChannel,
    private readonly parts: ReplicaParts,
  ) {
    this.recordCopy = new RecordCopy(channelFiles(channel.directory).record, parts.log);
    this.copy = new ReplicaLogCopy({
      channelId: channel.id,
      directory: channel.directory,
      media: channel.media,
      inStore: async () => (await this.read())?.record,
      onChange: () => this.logChanged(),
      onStored: () => parts.disk.succeeded(channel.id),
      onRefused: (error) => {
        if (storageRefusal(error, '')) parts.disk.failed(channel.id, error);
      },
    });
  }

  /** The same, once an attempt to take the lead that is under way has ended; after a bounded time in any case. */
  async leadsSoon(): Promise<boolean> {
    if (!this.leads) await Promise.race([this.taking.catch(() => undefined), pause(TAKING_WAIT_MS)]);
    return this.leads;
  }

  /** Name of the origin that took the lead last, as far as is known. */
  get leader(): string | null {
    return this.held?.record.leader ?? null;
  }

  get leads(): boolean {
    return this.leadInForce !== null;
  }

  /** None any more once this origin has promised a later epoch: its log may hold what is not acknowledged yet. */
  private get leadInForce(): Lead | null {
    return this.lead?.epoch === this.copy.state.promised ? this.lead : null;
  }

  /** Whether players may be served; before the store was asked, what is on disk is as good as any. */
  get isCurrent(): boolean {
    return this.lead !== null || (this.copy.isCurrent && this.isOfThisLife);
  }

  private get isOfThisLife(): boolean {
    return !this.held || this.held.record.life === this.copy.life;
  }

  /**
   * Runs a change while this origin leads: it takes the lead if another one has it, and runs the change again where it lost
   * it meanwhile.
   * @throws what the change throws; SwarmError unavailable where no majority or no store can be asked
   */
  async leading<T>(change: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        if (!this.leads) {
          // It led when it was asked: whoever took the lead meanwhile may well be there.
          if (this.lead || this.isDisplaced) throw new LeadLost();
          await (this.taking = this.takeLead());
        }
        const { lead } = this;
        try {
          const result = await change();
          // Done twice is done once: it is asked again of the one that leads now.
          if (!this.leads) throw new LeadLost();
          return result;
        } catch (error) {
          if (!isJudgement(error)) throw error;
          // Somebody else may have led and decided meanwhile: only what is in force may refuse.
          await this.read();
          if (lead !== null && this.leadInForce === lead) throw error;
          throw new LeadLost();
        }
      } catch (error) {
        if (!(error instanceof LeadLost)) throw error;
        this.lead = null;
        this.isDisplaced = false;
        await pause(Math.random() * LONGEST_PAUSE_MS * tries);
        const isLast = tries >= MOST_TRIES;
        const leader = isLast ? this.leader : await this.parts.leaderElsewhere();
        if (isLast || leader !== null)
          throw new SwarmError(
            'unavailable',
            `${leader ?? 'Another origin'} has taken the lead of channel ${this.channel.id}.`,
            'Ask again, here or there.',
          );
      }
    }
  }

  /** Reads the store, so that what is known of the channel is in force. @throws SwarmError unavailable */
  async refresh(): Promise<void> {
    await this.read();
  }

  /** The origin stops, or the channel's folder goes: nothing is written there any more once it resolves. */
  async close(): Promise<void> {
    await Promise.all([this.recordCopy.end(), this.copy.close()]);
  }

  /** Whether what was read of the store has been replaced since, as far as is known. */
  knowsLaterThan({ version }: Held<SharedRecord>): boolean {
    return this.held !== null && BigInt(version) < BigInt(this.held.version);
  }

  /** Takes note of what the store has. */
  observe(held: Held<SharedRecord>): void {
    if (this.held && BigInt(held.version) <= BigInt(this.held.version)) return;
    const before = this.held?.record;
    this.held = held;
    if (this.lead && (held.record.epoch !== this.lead.epoch || held.record.life !== this.lead.life)) {
      this.lead = null;
      this.isDisplaced = true;
    }
    this.logChanged();
    if (!before || before.life !== held.record.life || before.ownership.token !== held.record.ownership.token)
      this.recordCopy.write(held.record);
  }

  /** Writes what was decided, as the one that leads; durable when it resolves. @throws LeadLost; SwarmError unavailable */
  async save(record: ChannelRecord): Promise<void> {
    const { lead, held } = this;
    if (!lead || !held) throw new LeadLost();
    // A store that is away is found out by reading: nothing is written by that, so the lead stays.
    await this.read();
    if (this.held !== held) throw new LeadLost();
    const next: SharedRecord = { ...held.record, ...record, ...lead, decidedEpoch: lead.epoch };
    let version: string | null;
    try {
      version = await this.parts.store.replace(this.channel.id, next, held.version);
    } catch (error) {
      // It may have been written: only the store knows.
      this.lead = null;
      throw error;
    }
    if (version === null) throw new LeadLost();
    this.observe({ record: next, version });
  }

  /** Has a majority store a GOP, and then this origin. @throws LeadLost; SwarmError unavailable; of the file system */
  async publish(record: LedgerRecord, body: Buffer): Promise<void> {
    const { lead } = this;
    if (!lead) throw new LeadLost();
    const previousGop = this.channel.media.ledger.last?.gop ?? null;
    // Once for all peers: each of them may hold it for as long as it does not answer.
    const gop: PackedGop = {
      ...lead,
      gop: record.gop,
      packed: packGop({ ...lead, previousGop, record }, body),
    };
    const { peers } = this.parts;
    const takers = new Set<Peer>();
    const hand = async (peer: Peer): Promise<boolean> => {
      const isTaken = await this.handTo(peer, gop);
      if (isTaken) takers.add(peer);
      return isTaken;
    };
    try {
      await enoughOf(peers, majorityOf(peers.length + 1) - 1, hand, Boolean);
      await this.copy.step(lead, () => this.channel.media.store(record, body));
      // One that followed meanwhile was as far as this log, which did not have the GOP yet.
      for (const peer of peers) if (!takers.has(peer)) this.behind.add(peer);
    } catch (error) {
      // Some may have it, and no epoch may have two of the same number: under the next one it is taken over, or cut off.
      this.lead = null;
      throw error;
    }
  }

  /** Changes the log where what it says was decided already. @throws LeadLost */
  async record(change: () => Promise<void>): Promise<void> {
    if (!this.lead) throw new LeadLost();
    await this.copy.step(this.lead, change);
    for (const peer of this.parts.peers) this.behind.add(peer);
    void this.catchUp();
  }

  /** Has those follow that are behind while this origin leads, or follows the one that leads. Never throws. */
  async catchUp(): Promise<void> {
    if (this.catchingUp) return;
    this.catchingUp = true;
    try {
      await this.catchUpOnce();
    } finally {
      this.catchingUp = false;
    }
  }

  private async catchUpOnce(): Promise<void> {
    const order = this.lead && this.orderOf(this.lead);
    try {
      if (order) {
        await Promise.all(
          [...this.behind].map((peer) => this.haveFollow(peer, order).catch(() => undefined)),
        );
        return;
      }
      const record = this.held?.record;
      if (!record?.leader || record.leader === this.parts.name || record.epoch === this.copy.state.followed)
        return;
      const leader = this.parts.peers.find(({ name }) => name === record.leader);
      if (leader) await this.copy.follow(this.orderOf(record, record.leader), leader.client);
    } catch (error) {
      if (!(error instanceof LeadLost))
        this.parts.log.debug({ err: error, channel: this.channel.id }, 'not caught up yet');
    }
  }

  private orderOf({ epoch, life }: Lead, leader = this.parts.name): ReplicaOrder {
    return { epoch, life, leader };
  }

  private async read(): Promise<Held<SharedRecord> | undefined> {
    const held = await this.parts.store.read(this.channel.id);
    if (held) this.observe(held);
    return held;
  }

  /** See docs/decisions/0043. @throws LeadLost; SwarmError unknown-channel, unavailable */
  private async takeLead(): Promise<void> {
    const beganAtMs = performance.now();
    const { channel, parts, copy } = this;
    const before = await this.read();
    if (!before?.record.onAir) throw unknownChannel(channel.id);
    const record = { ...before.record, epoch: before.record.epoch + 1, leader: parts.name };
    const version = await parts.store.replace(channel.id, record, before.version);
    if (version === null) throw new LeadLost();
    this.observe({ record, version });
    const lead = { epoch: record.epoch, life: record.life };
    const order = this.orderOf(lead);
    await this.gatherLog(order, record.decidedEpoch === 0);
    await copy.step(lead, () => this.fillDeclared(record));
    await copy.followed(lead);
    this.behind.clear();
    for (const peer of parts.peers) this.behind.add(peer);
    const others = majorityOf(parts.peers.length + 1) - 1;
    const followed = (peer: Peer): Promise<boolean> => this.haveFollow(peer, order);
    await enoughOf(parts.peers, others, followed, Boolean, { endsWhereLost: true });
    if (this.held?.version !== version) throw new LeadLost();
    this.lead = lead;
    this.logChanged();
    const tookMs = Math.round(performance.now() - beganAtMs);
    parts.log.info({ channel: channel.id, epoch: lead.epoch, tookMs }, 'leads the channel');
  }

  /** Has a majority promise, and makes the log of this origin the one that has all that was acknowledged. */
  private async gatherLog(order: ReplicaOrder, isNew: boolean): Promise<void> {
    const { copy, parts, channel } = this;
    const promising = copy.promise(order);
    const asked = parts.peers.map((peer) => ({
      peer,
      answer: peer.client.promise(channel.id, order, { timeoutMs: PROMISE_TIMEOUT_MS }),
    }));
    for (const { answer } of asked) answer.catch(() => undefined);
    const own = await promising;
    if (own.promised !== order.epoch) throw new LeadLost();
    const counts = (state: { promised: number; followed: number }): boolean =>
      state.promised === order.epoch && (isNew || state.followed > 0);
    const needed = majorityOf(parts.peers.length + 1) - (counts(own) ? 1 : 0);
    const answers = await enoughOf(
      asked,
      needed,
      async ({ answer }) => {
        const state = await answer;
        if (state.promised > order.epoch) throw new LeadLost();
        return state;
      },
      counts,
      { endsWhereLost: true },
    );
    if (isNew) {
      // What an unfinished beginning left was decided by nobody.
      await copy.step(order, () => channel.media.deleteAll());
      return;
    }
    const copies = answers.map(({ peer: { peer }, answer }) => ({ ...answer, peer }));
    const best = completest([...(counts(own) ? [{ ...own, peer: null }] : []), ...copies]);
    if (best.peer) await copy.pull(order, best.peer.client, false);
  }

  /** GOPs that were declared a gap, where whoever decided it had no time to say so to the others. */
  private async fillDeclared({ ownership }: SharedRecord): Promise<void> {
    const { media } = this.channel;
    const gopDurationTicks = this.channel.gopDurationTicks();
    if (!ownership.hasPublished && ownership.gapsDeclared === 0) return;
    const known = media.ledger.range(0, Infinity);
    const options = {
      gopDurationTicks,
      atMost: this.parts.keptRecords(),
      nowMs: Date.now(),
    };
    const last = media.ledger.last?.gop ?? -1;
    const missing = repairLedger(known, ownership, options).filter(({ gop }) => gop > last);
    if (missing.length > 0) await media.adopt(missing);
  }

  private async haveFollow(peer: Peer, order: ReplicaOrder): Promise<boolean> {
    const state = await peer.client.follow(this.channel.id, order, { timeoutMs: FOLLOW_TIMEOUT_MS });
    if (state.promised > order.epoch) throw new LeadLost();
    // What was published meanwhile it may lack again.
    if (state.followed === order.epoch && state.endGop === this.copy.state.endGop) this.behind.delete(peer);
    return state.followed === order.epoch;
  }

  /** @returns whether it has the GOP on disk */
  private async handTo(peer: Peer, handed: PackedGop): Promise<boolean> {
    // One that does not answer holds one GOP in memory, not all that come.
    const before = this.busy.get(peer);
    if (before) {
      before.missed = true;
      return false;
    }
    const way = { missed: false };
    this.busy.set(peer, way);
    this.behind.add(peer);
    const put = async (): Promise<boolean> => {
      const { gop, packed, epoch } = handed;
      const answer = await peer.client.put(this.channel.id, gop, packed, { timeoutMs: PUT_TIMEOUT_MS });
      if (answer.promised > epoch) throw new LeadLost();
      if (answer.outcome === 'stored') this.behind.delete(peer);
      return answer.outcome === 'stored';
    };
    try {
      const stored = (await put()) || ((await this.haveFollow(peer, this.orderOf(handed))) && (await put()));
      if (!stored) this.behind.add(peer);
      return stored;
    } finally {
      this.busy.delete(peer);
      if (way.missed) {
        this.behind.add(peer);
        void this.catchUp();
      }
    }
  }

  private logChanged(): void {
    if (!this.held) return;
    const { record } = this.held;
    this.channel.setRecord(withLedger(record, this.isOfThisLife ? this.channel.media.ledger : {}));
  }
}
