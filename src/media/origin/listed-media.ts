import { Readable } from 'node:stream';
import { SwarmError } from '../../domain';
import { ChangeSignal } from './change-signal';
import { bytesOfPiece } from './gop-cuts';
import type { LedgerRun } from './ledger-run';
import type { LowLatencyListing } from './low-latency-tags';
import type { Partial, PartialName } from './partial-rules';
import type { PartialSegments } from './partial-segments';
import { cuesQuery, masterPlaylist, mediaPlaylist, windowOf, type PlaylistChannel } from './playlists';
import type { LedgerRecord, RenditionRecord } from './records';

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

/** The GOPs whose segments are stored. */
export interface StoredGops {
  has(gop: number): boolean;
  readonly oldestGop: number | null;
  read(gop: number, offsetBytes: number, lengthBytes: number): Readable;
  /** The same for what many want, of which it is read once; null: it is to be read piece by piece. */
  readWhole?(gop: number, offsetBytes: number, lengthBytes: number): Promise<Buffer> | null;
}

/** Media that is there: `open` reads from its first to its last byte that is wanted, `whole` gives all of it. */
export interface FoundMedia {
  bytes: number;
  open: (firstByte: number, lastByte: number) => Readable;
  whole?: () => Promise<Buffer> | null;
}

export type ListedLedger = Pick<
  LedgerRun,
  'get' | 'range' | 'findLast' | 'first' | 'last' | 'lastPublished' | 'generation'
>;
export type ListedPartials = Pick<PartialSegments, 'partialTicks' | 'open' | 'of' | 'find' | 'wholeGops'>;

/** What a channel has published, as players are told of it: playlists and segments. */
export abstract class ListedMedia {
  private readonly playlists = new Map<string, string>();
  /** Told when what playlists say has changed. */
  readonly changes = new ChangeSignal();
  /** Called whenever anything of it has changed, before whoever waits is told. */
  follow: () => void = () => undefined;
  /** Absent: GOPs are published whole. */
  partials: ListedPartials | undefined;
  /** Token of who may publish now; null: nobody. */
  publishingToken: () => number | null = () => null;

  abstract get ledger(): ListedLedger;
  protected abstract readonly segments: StoredGops;

  /** First GOP whose segments are stored. */
  get oldestGop(): number | null {
    return this.segments.oldestGop;
  }

  /** What playlists say has changed. */
  changed(): void {
    this.forgetTexts();
    this.changes.tell();
  }

  /** Playlists are made anew for those who ask; who waits for something new is not told. */
  protected forgetTexts(): void {
    this.playlists.clear();
    this.follow();
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
      const before = records[0] && this.ledger.get(records[0].gop - 1);
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
    const names = tracks ?? this.ledger.lastPublished?.renditions.map(({ name }) => name) ?? [];
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
   * A stored segment.
   * @param piece absent: all of it
   * @throws SwarmError not-found
   */
  segment(rendition: string, gop: number, piece?: number): FoundMedia & { record: RenditionRecord } {
    const renditions = this.segments.has(gop) ? (this.ledger.get(gop)?.renditions ?? []) : [];
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
      whole: () => this.segments.readWhole?.(gop, offset, to - from) ?? null,
    };
  }

  /**
   * A public partial segment, with the record of its rendition.
   * @throws SwarmError not-found
   */
  partial(rendition: string, name: PartialName): FoundMedia & { partial: Partial } {
    const found = this.partials?.find(name, rendition);
    if (found?.bytes) {
      const { bytes, partial } = found;
      return {
        partial,
        bytes: bytes.length,
        open: (first, last) => Readable.from([bytes.subarray(first, last + 1)]),
      };
    }
    const renditions = this.ledger.get(name.gop)?.renditions ?? [];
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
    return oldest === null ? [] : this.ledger.range(oldest, Infinity);
  }

  /** The rendition's newest record. @throws SwarmError not-found */
  latestOf(rendition: string): RenditionRecord {
    const record = this.ledger.findLast((r) => r.renditions.some((x) => x.name === rendition));
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
