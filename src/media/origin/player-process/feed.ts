import type { MediaHealth } from '../../../contracts/health';
import type { SwarmError } from '../../../domain';
import type { ChannelMedia } from '../channel-media';
import type { PlayedChannel } from '../played-channel';
import type { LedgerRecord } from '../records';
import { isSameState, newRecords, newsOf, toldLedger, type Told } from './channel-news';
import type { News, ToPlayers } from './messages';

/** What an origin shows of its channels. */
export interface FollowedOrigin {
  /** Those on air. */
  readonly playedIds: Iterable<string>;
  /** Undefined for one that is not on air. */
  played(id: string): PlayedChannel<ChannelMedia> | undefined;
  /** Those whose files can't be used. */
  readonly unusable: ReadonlyMap<string, SwarmError>;
}

/** So many records at a time: telling them must not hold up what is being published. */
const MOST_RECORDS = 256;
/** What changes without a channel saying so is looked for so often. */
const LOOK_MS = 1_000;

/**
 * Tells a players' process what is new. What it was told is known here, so that it is told the difference; the next is told
 * when it has taken the last, however long that takes: nothing is waited for but by this, and nothing is heaped up.
 */
export class PlayerFeed {
  private readonly told = new Map<string, Told>();
  private readonly changed = new Set<string>();
  private ahead: { id: string; ledger: Told['ledger'] } | null = null;
  private isWhole = false;
  private toldOthers = '';
  private soon: NodeJS.Immediate | undefined;
  private sentAtMs: number | null = null;
  private readonly looking: NodeJS.Timeout;

  /** @param send to a process that knows nothing yet */
  constructor(
    private readonly origin: FollowedOrigin,
    private readonly health: () => MediaHealth,
    private readonly send: (message: ToPlayers) => void,
  ) {
    for (const id of origin.playedIds) this.changed.add(id);
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
    this.plan();
  }

  /** For how long the process has not taken what it was told; 0: it has. */
  get waitsMs(): number {
    return this.sentAtMs === null ? 0 : performance.now() - this.sentAtMs;
  }

  /** Players may see something new of a channel. */
  follow(id: string): void {
    this.changed.add(id);
    this.plan();
  }

  /** The process has taken what it was told last. */
  taken(): void {
    this.sentAtMs = null;
    if (this.changed.size > 0 || !this.isWhole) this.plan();
  }

  end(): void {
    clearInterval(this.looking);
    clearImmediate(this.soon);
    this.sentAtMs = Infinity;
  }

  /** After what is under way now: a change often comes with others. */
  private plan(): void {
    if (this.sentAtMs !== null) return;
    this.soon ??= setImmediate(() => {
      this.soon = undefined;
      if (this.sentAtMs === null) this.tell();
    });
  }

  private look(): void {
    for (const [id, { state }] of this.told) {
      const now = this.origin.played(id)?.state;
      if (!now || !isSameState(state, now)) this.changed.add(id);
    }
    if (this.changed.size > 0 || this.others().text !== this.toldOthers) this.plan();
  }

  /** What is told of no channel. */
  private others(): { text: string; unusable: News['unusable']; health: MediaHealth } {
    const unusable = [...this.origin.unusable].map(([id, error]) => ({ id, error: error.toBody() }));
    const health = this.health();
    return { text: JSON.stringify([unusable, health]), unusable, health };
  }

  private tell(): void {
    this.sentAtMs = performance.now();
    const channels: News['channels'] = [];
    const gone: string[] = [];
    let records = 0;
    for (const id of this.changed) {
      const channel = this.origin.played(id);
      const told = this.told.get(id);
      if (!channel) {
        this.changed.delete(id);
        this.told.delete(id);
        gone.push(id);
        continue;
      }
      const known = this.ledgerAhead(id) ?? (told?.channel === channel ? told.ledger : undefined);
      const waiting = newRecords(known, channel.media.ledger);
      if (records > 0 && records + waiting.length > MOST_RECORDS) break;
      if (waiting.length > MOST_RECORDS) {
        this.tellAhead(channel, waiting.slice(0, MOST_RECORDS));
        return;
      }
      const next = newsOf(channel, told, this.ledgerAhead(id));
      if (this.ahead?.id === id) this.ahead = null;
      this.changed.delete(id);
      this.told.set(id, next.told);
      channels.push(next.news);
      records += waiting.length + 1;
    }
    const { text, unusable, health } = this.others();
    this.toldOthers = text;
    this.isWhole ||= this.changed.size === 0;
    this.send({ kind: 'news', news: { channels, gone, unusable, health, isWhole: this.isWhole } });
  }

  private ledgerAhead(id: string): Told['ledger'] | undefined {
    return this.ahead?.id === id ? this.ahead.ledger : undefined;
  }

  private tellAhead({ id, media }: PlayedChannel<ChannelMedia>, records: LedgerRecord[]): void {
    const { ledger } = media;
    const before = this.ledgerAhead(id);
    const isFirst = before?.of !== ledger || before.generation !== ledger.generation;
    this.ahead = { id, ledger: toldLedger(ledger, records.at(-1)!.gop + 1) };
    this.send({ kind: 'ahead', id, isFirst, records });
  }
}
