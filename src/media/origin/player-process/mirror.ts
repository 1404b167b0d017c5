import type { ReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import type { MediaHealth } from '../../../contracts/health';
import { errorFromBody, SwarmError } from '../../../domain';
import { unknownChannel } from '../channel-refusals';
import { LedgerRun } from '../ledger-run';
import { ListedMedia, type StoredGops } from '../listed-media';
import { PartialSegments } from '../partial-segments';
import { PlayedChannel, type PlayedChannels } from '../played-channel';
import type { LedgerRecord } from '../records';
import { readGopFile } from '../segment-store';
import type { ChannelNews, News, PartialsNews } from './messages';
import type { SegmentCache } from './segment-cache';

class MirroredLedger extends LedgerRun {
  take(news: ChannelNews['ledger'], ahead: readonly LedgerRecord[]): void {
    const { isNew, goesOnFromAhead, records, firstGop } = news;
    if (isNew) this.replaceWith([]);
    if (goesOnFromAhead) this.push(ahead);
    this.push(records);
    if (firstGop !== null) this.forgetBefore(firstGop);
  }
}

/** Names the bytes of a GOP among all that there were of any channel: numbers return with a new life of a channel. */
let lastSerial = 0;

class MirroredGops implements StoredGops {
  /** With what names its bytes. */
  private readonly gops = new Map<number, number>();
  private directory = '';

  constructor(private readonly cache: SegmentCache) {}

  get oldestGop(): number | null {
    return this.gops.keys().next().value ?? null;
  }

  has(gop: number): boolean {
    return this.gops.has(gop);
  }

  read(gop: number, offsetBytes: number, lengthBytes: number): ReadStream {
    return readGopFile(this.directory, gop, offsetBytes, lengthBytes);
  }

  readWhole(gop: number, offsetBytes: number, lengthBytes: number): Promise<Buffer> | null {
    const name = `${this.gops.get(gop)}/${offsetBytes}/${lengthBytes}`;
    return this.cache.get(name, lengthBytes, () => buffer(this.read(gop, offsetBytes, lengthBytes)));
  }

  take({ directory, isNew, came, went }: ChannelNews): void {
    this.directory = directory;
    if (isNew) this.gops.clear();
    for (const gop of went) this.gops.delete(gop);
    for (const gop of came) this.gops.set(gop, (lastSerial += 1));
  }
}

/** What an origin has published of a channel, as its players' process was told. */
class MirroredMedia extends ListedMedia {
  readonly ledger = new MirroredLedger();
  protected readonly segments: MirroredGops;
  private readonly mirroredPartials: PartialSegments;

  constructor(partialMs: number, cache: SegmentCache) {
    super();
    this.segments = new MirroredGops(cache);
    this.mirroredPartials = new PartialSegments(partialMs);
  }

  take(news: ChannelNews, ahead: readonly LedgerRecord[]): void {
    const { state, isNew, ledger, partials } = news;
    this.ledger.take(ledger, ahead);
    this.segments.take(news);
    this.publishingToken = () => (state.hasOwner ? state.token : null);
    if (isNew) this.mirroredPartials.clear();
    this.partials = partials && this.mirroredPartials;
    if (partials) this.takePartials(partials);
    this.changed();
  }

  private takePartials({ open, whole, wholeGops }: PartialsNews): void {
    const shown = this.mirroredPartials;
    const known = new Map([...shown.wholeGops].map(([gop, partials]) => [gop, [...partials]]));
    for (const [gop, partials] of whole) known.set(gop, partials);
    // What comes over the channel of processes is bytes, and no Buffer of its own.
    const before = open && open.from > 0 ? shown.open : null;
    const bytes = open?.gop.bytes.map((added, rendition) => [
      ...(before?.bytes[rendition]?.slice(0, open.from) ?? []),
      ...added.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
    ]);
    const inOrder = wholeGops.flatMap((gop) => {
      const partials = known.get(gop);
      return partials ? [[gop, partials] as [number, typeof partials]] : [];
    });
    shown.show(open && bytes ? { ...open.gop, bytes } : null, inOrder);
  }
}

interface Mirrored {
  played: PlayedChannel;
  media: MirroredMedia;
  state: ChannelNews['state'];
}

/** The channels of an origin, as its players' process was told of them. */
export class Mirror implements PlayedChannels {
  private readonly channels = new Map<string, Mirrored>();
  private unusable = new Map<string, SwarmError>();
  private readonly ahead = new Map<string, LedgerRecord[]>();
  private lastHealth: MediaHealth | undefined;

  constructor(
    private readonly partialMs: number,
    private readonly cache: SegmentCache,
  ) {}

  /** Undefined until all was told that there is. */
  get health(): MediaHealth | undefined {
    return this.lastHealth;
  }

  channel(id: string): PlayedChannel {
    const found = this.channels.get(id);
    if (found) return found.played;
    throw this.unusable.get(id) ?? unknownChannel(id);
  }

  takeAhead(id: string, records: LedgerRecord[], isFirst: boolean): void {
    this.ahead.set(id, [...(isFirst ? [] : (this.ahead.get(id) ?? [])), ...records]);
  }

  take({ channels, gone, unusable, health, isWhole }: News): void {
    for (const id of gone) this.forget(id);
    for (const news of channels) this.takeChannel(news);
    this.unusable = new Map(
      unusable.map(({ id, error }) => [
        id,
        errorFromBody(error) ?? new SwarmError('unavailable', `Channel ${id} can't be read.`),
      ]),
    );
    if (isWhole || this.lastHealth) this.lastHealth = health;
  }

  private forget(id: string): void {
    const channel = this.channels.get(id);
    this.channels.delete(id);
    if (!channel) return;
    // Whoever waits for it learns that it is gone.
    channel.state = { ...channel.state, onAir: false };
    channel.media.changed();
  }

  private takeChannel(news: ChannelNews): void {
    const { id, state } = news;
    if (news.isNew) this.forget(id);
    const channel = this.channels.get(id) ?? this.begin(id, state);
    channel.state = state;
    channel.media.take(news, this.ahead.get(id) ?? []);
    this.ahead.delete(id);
  }

  private begin(id: string, state: Mirrored['state']): Mirrored {
    const media = new MirroredMedia(this.partialMs, this.cache);
    const channel: Mirrored = { media, state, played: new PlayedChannel(id, media, () => channel.state) };
    this.channels.set(id, channel);
    return channel;
  }
}
