import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { DeclaredGap } from '../../contracts/origin';
import { SwarmError } from '../../domain';
import { ticksToMs } from '../../domain/media-time';
import { ChangeSignal } from './change-signal';
import { bytesOfPiece } from './gop-cuts';
import { Ledger } from './ledger';
import type { LowLatencyListing } from './low-latency-tags';
import type { Partial, PartialName } from './partial-rules';
import type { PartialSegments } from './partial-segments';
import { cuesQuery, masterPlaylist, mediaPlaylist, windowOf, type PlaylistChannel } from './playlists';
import type { LedgerRecord, RenditionRecord } from './records';
import type { SegmentStore } from './segment-store';
import { gapRecords } from './timeline';

export interface MediaLimits {
  /** Segments are kept for so much media time, and up to so many bytes a channel. */
  retentionMs: number;
  retentionBytes: number;
  /** Ledger records kept, at least. */
  keptRecords: number;
}

/** Media playlists kept as text; players ask for few different windows. */
const MAX_CACHED_PLAYLISTS = 64;
export const MASTER_WINDOW_MS = 60_000;

/** Which playlist of a track is asked for. */
export interface AskedPlaylist {
  windowMs: number;
  withCues?: boolean;
  /** Without what the player knows already. */
  skip?: boolean;
}

/** What a channel has published: its ledger, its segments and the playlists made of them. */
export class ChannelMedia {
  private readonly playlists = new Map<string, string>();
  private writableLedger: Ledger;
  /** Told when what playlists say has changed. */
  readonly changes = new ChangeSignal();
  /** Absent: GOPs are published whole. */
  partials: PartialSegments | undefined;
  /** Token of who may publish now; null: nobody. */
  publishingToken: () => number | null = () => null;
  /** When the last GOP was stored, on the clock that is never set. */
  private lastStoredMs: number;

  constructor(
    ledger: Ledger,
    private readonly segments: SegmentStore,
    private readonly limits: MediaLimits,
    private readonly monotonicMs: () => number,
  ) {
    this.writableLedger = ledger;
    this.lastStoredMs = monotonicMs();
  }

  get ledger(): Pick<Ledger, 'get' | 'range' | 'last' | 'lastPublished'> {
    return this.writableLedger;
  }

  get storedBytes(): number {
    return this.segments.bytes;
  }

  /** First GOP whose segments are stored. */
  get oldestGop(): number | null {
    return this.segments.oldestGop;
  }

  /** Stores a GOP and appends its ledger line; if either fails, neither counts. */
  async store(record: LedgerRecord, body: Buffer): Promise<void> {
    await this.segments.write(record.gop, body);
    try {
      await this.writableLedger.append(record);
    } catch (error) {
      await this.segments.remove(record.gop);
      throw error;
    }
    this.lastStoredMs = this.monotonicMs();
    this.changed();
  }

  /** What playlists say has changed. */
  changed(): void {
    this.playlists.clear();
    this.changes.tell();
  }

  /** Adds the ledger lines of a gap that is durable already. They count even if this throws. */
  async recordGap(gap: DeclaredGap, gopDurationTicks: number, declaredAtMs: number): Promise<void> {
    this.playlists.clear();
    const previous = this.writableLedger.last;
    const atMost = this.limits.keptRecords;
    await this.writableLedger.appendCommitted(
      gapRecords({ gap, declaredAtMs, gopDurationTicks, previous, atMost }),
    );
    this.changed();
  }

  /**
   * Deletes segments that are past their retention; of the byte bound, the newest GOP is spared. Their age is the media
   * time that followed, and the time since the last GOP was stored: a wall clock that is set makes nothing old.
   */
  async expire({ gopDurationTicks }: { gopDurationTicks: number }): Promise<void> {
    const idleMs = this.monotonicMs() - this.lastStoredMs;
    const newest = this.writableLedger.last?.gop ?? 0;
    for (let gop = this.oldestGop; gop !== null; gop = this.oldestGop) {
      const tooOld = ticksToMs((newest - gop) * gopDurationTicks) + idleMs > this.limits.retentionMs;
      const tooMany =
        this.segments.bytes > this.limits.retentionBytes && gop !== this.writableLedger.lastPublished?.gop;
      if (!tooOld && !tooMany) return;
      this.playlists.clear();
      await this.segments.remove(gop);
    }
  }

  /** Adds ledger lines that were decided elsewhere, without segments. They count even if this throws. */
  async adopt(records: readonly LedgerRecord[]): Promise<void> {
    this.playlists.clear();
    await this.writableLedger.appendCommitted(records);
    this.changed();
  }

  /** Takes back what was stored from a GOP on. */
  async truncateFrom(gop: number): Promise<void> {
    this.playlists.clear();
    await this.writableLedger.truncateFrom(gop);
    for (const stored of this.segments.from(gop)) await this.segments.remove(stored);
  }

  /** On the disk, the ledger is what it is here once it resolves. */
  settle(): Promise<void> {
    return this.writableLedger.settle();
  }

  /** All bytes of a GOP; null where they are not stored. @throws of the file system, where they can't be read now */
  async storedGop(gop: number): Promise<Buffer | null> {
    if (!this.segments.has(gop)) return null;
    return this.segments.readAll(gop).catch((error: NodeJS.ErrnoException) => {
      // Deleted in this moment, as it was past its retention.
      if (error.code === 'ENOENT') return null;
      throw error;
    });
  }

  /** Begins anew with nothing published. */
  async deleteAll(): Promise<void> {
    this.playlists.clear();
    await this.writableLedger.close();
    await rm(this.writableLedger.path, { force: true });
    this.writableLedger = new Ledger(this.writableLedger.path, () => this.limits.keptRecords, [], false);
    await this.segments.clear();
    this.changed();
  }

  close(): Promise<void> {
    return this.writableLedger.close();
  }

  /** @throws SwarmError not-found */
  masterPlaylist(channel: PlaylistChannel, withCues: boolean): string {
    const query = cuesQuery(withCues);
    return this.cached(`master${query}`, () =>
      masterPlaylist(channel, this.window(channel, MASTER_WINDOW_MS), query),
    );
  }

  /** @throws SwarmError not-found */
  mediaPlaylist(channel: PlaylistChannel, rendition: string, asked: AskedPlaylist): string {
    const { windowMs, withCues = false, skip = false } = asked;
    return this.cached(`${rendition}/${windowMs}${cuesQuery(withCues)}/${skip}`, () => {
      const records = this.window(channel, windowMs);
      const before = records[0] && this.writableLedger.get(records[0].gop - 1);
      const wanted = this.latestOf(rendition);
      const lowLatency = this.lowLatency(channel, { ...asked, own: rendition });
      return mediaPlaylist({ channel, records, before, withCues, lowLatency }, wanted, (gop) =>
        this.isPublic(gop),
      );
    });
  }

  /** What low-latency playlists have beside whole GOPs; undefined where there is none of that. */
  lowLatency(
    channel: PlaylistChannel,
    {
      own,
      skip = false,
      withCues = false,
      tracks,
    }: AskedPlaylist & { own: string; tracks?: readonly string[] },
  ): LowLatencyListing | undefined {
    const { partials } = this;
    const partialTicks = partials?.partialTicks(channel) ?? 0;
    if (!partials || partialTicks === 0) return undefined;
    const names = tracks ?? this.writableLedger.lastPublished?.renditions.map(({ name }) => name) ?? [];
    return {
      ...{ partialTicks, skip, open: partials.open, token: this.publishingToken() },
      of: (gop) => partials.of(gop),
      others: names
        .filter((name) => name !== own)
        .map((name) => `../${name}/index.m3u8${cuesQuery(withCues)}`),
    };
  }

  /** True while the segments of a GOP are stored, or some of it is public already. */
  isPublic(gop: number): boolean {
    return this.segments.has(gop) || this.partials?.open?.gop === gop;
  }

  /** The records of a playlist: see windowOf. */
  window({ gopDurationTicks }: PlaylistChannel, windowMs: number): LedgerRecord[] {
    return windowOf(this.retained(), windowMs, gopDurationTicks);
  }

  /**
   * A stored segment; `open` reads from its first to its last byte that is wanted.
   * @param piece absent: all of it
   * @throws SwarmError not-found
   */
  segment(
    rendition: string,
    gop: number,
    piece?: number,
  ): { record: RenditionRecord; bytes: number; open: (firstByte: number, lastByte: number) => Readable } {
    const renditions = this.segments.has(gop) ? (this.writableLedger.get(gop)?.renditions ?? []) : [];
    const at = renditions.findIndex((r) => r.name === rendition);
    const record = renditions[at];
    if (!record || (piece ?? 0) > (record.cuts?.length ?? 0)) {
      throw new SwarmError(
        'not-found',
        `Rendition ${rendition} of GOP ${gop} is not stored.`,
        'Take segments from the playlist.',
      );
    }
    const { from, to } = piece === undefined ? { from: 0, to: record.bytes } : bytesOfPiece(record, piece);
    const offset = renditions.slice(0, at).reduce((sum, r) => sum + r.bytes, 0) + from;
    return {
      record,
      bytes: to - from,
      open: (first, last) => this.segments.read(gop, offset + first, last - first + 1),
    };
  }

  /**
   * A public partial segment, with the record of its rendition; `open` as of a segment.
   * @throws SwarmError not-found
   */
  partial(
    rendition: string,
    name: PartialName,
  ): { partial: Partial; bytes: number; open: (firstByte: number, lastByte: number) => Readable } {
    const found = this.partials?.find(name, rendition);
    if (found?.bytes) {
      const { bytes, partial } = found;
      return {
        partial,
        bytes: bytes.length,
        open: (first, last) => Readable.from([bytes.subarray(first, last + 1)]),
      };
    }
    const renditions = this.writableLedger.get(name.gop)?.renditions ?? [];
    const place = found?.partial.places[renditions.findIndex((r) => r.name === rendition)];
    if (!found || !place)
      throw new SwarmError(
        'not-found',
        `Partial segment ${name.index} of GOP ${name.gop} is not there.`,
        'Take partial segments from the playlist.',
      );
    const segment = this.segment(rendition, name.gop);
    return {
      partial: found.partial,
      bytes: place.toByte - place.fromByte,
      open: (first, last) => segment.open(place.fromByte + first, place.fromByte + last),
    };
  }

  /** True while the segments of a GOP are stored. */
  has(gop: number): boolean {
    return this.segments.has(gop);
  }

  /** Records from the oldest stored segment on. */
  retained(): LedgerRecord[] {
    const oldest = this.oldestGop;
    return oldest === null ? [] : this.writableLedger.range(oldest, Infinity);
  }

  /** The rendition's newest record. @throws SwarmError not-found */
  latestOf(rendition: string): RenditionRecord {
    const record = this.writableLedger.findLast((r) => r.renditions.some((x) => x.name === rendition));
    const found = record?.renditions.find((r) => r.name === rendition);
    if (found) return found;
    throw new SwarmError(
      'not-found',
      `This channel has no rendition ${rendition}.`,
      'Take renditions from the master playlist.',
    );
  }

  /** A text that is made once of what is published now. */
  cached(key: string, make: () => string): string {
    const known = this.playlists.get(key);
    if (known !== undefined) return known;
    const text = make();
    if (this.playlists.size >= MAX_CACHED_PLAYLISTS) this.playlists.clear();
    this.playlists.set(key, text);
    return text;
  }
}
