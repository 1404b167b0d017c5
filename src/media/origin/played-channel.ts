import { SwarmError, ticksToSeconds, type FrameRate } from '../../domain';
import { unknownChannel } from './channel-refusals';
import { CmafMedia } from './cmaf-media';
import type { AskedPlaylist, ListedMedia } from './listed-media';
import { edgeOf, type PlaylistEdge } from './low-latency-tags';
import type { PartialName } from './partial-rules';
import type { PlaylistChannel } from './playlists';

/** What is in force of a channel, as far as players see it. */
export interface PlayedState {
  onAir: boolean;
  /** False while this copy is far behind those of other origins. */
  isCurrent: boolean;
  gopDurationTicks: number;
  framesPerSecond: FrameRate;
  /** Fencing token in force, and whether somebody holds it. */
  token: number;
  hasOwner: boolean;
  /** First GOP that is neither published nor declared a gap. */
  nextGop: number;
}

/** Where players find channels. */
export interface PlayedChannels {
  /** @throws SwarmError unknown-channel; unavailable while its files are damaged */
  channel(id: string): PlayedChannel;
}

/** A channel as players are answered: it tells what was published, and changes nothing. */
export class PlayedChannel<M extends ListedMedia = ListedMedia> {
  constructor(
    readonly id: string,
    readonly media: M,
    private readonly stateNow: () => PlayedState,
  ) {}

  get state(): PlayedState {
    return this.stateNow();
  }

  get gopDurationTicks(): number {
    return this.state.gopDurationTicks;
  }

  get targetSeconds(): number {
    return Math.ceil(ticksToSeconds(this.gopDurationTicks));
  }

  /** @throws SwarmError not-found, unknown-channel */
  masterPlaylist(withCues = false): string {
    this.requireServable();
    return this.media.masterPlaylist(this.listed, withCues);
  }

  /** @throws SwarmError not-found, unknown-channel */
  mediaPlaylist(rendition: string, asked: AskedPlaylist): string {
    this.requireServable();
    return this.media.mediaPlaylist(this.listed, rendition, asked);
  }

  /** What it has published as fragmented MP4. @throws SwarmError unknown-channel */
  get cmaf(): CmafMedia {
    this.requireServable();
    return new CmafMedia(this.listed, this.media);
  }

  /** @throws SwarmError not-found, unknown-channel */
  segment(rendition: string, gop: number, piece?: number): ReturnType<ListedMedia['segment']> {
    this.requireOnAir();
    return this.media.segment(rendition, gop, piece);
  }

  /** A public partial segment. @throws SwarmError not-found, unknown-channel */
  partial(rendition: string, name: PartialName): ReturnType<ListedMedia['partial']> {
    this.requireOnAir();
    return this.media.partial(rendition, name);
  }

  /** Where its playlists end; undefined where nobody may wait for more: it publishes whole GOPs alone, or nothing yet. */
  edge(): { edge: PlaylistEdge; partialTicks: number } | undefined {
    const { listed, media, state } = this;
    if (!state.onAir) return undefined;
    const listing = media.lowLatency(listed, { own: '', windowMs: 0 });
    const { last } = media.ledger;
    return listing && last && { edge: edgeOf(listing, last, listed), partialTicks: listing.partialTicks };
  }

  /** Resolves when playlists have changed, or the signal is aborted. */
  nextChange(signal: AbortSignal): Promise<void> {
    return this.media.changes.next(signal);
  }

  /** True for the partial segment that is made next: it is no fault that it is not there. */
  mayCome({ gop, index, token }: PartialName): boolean {
    const { state, media } = this;
    if (!state.onAir || !media.partials || !state.hasOwner || token !== state.token) return false;
    const { open } = media.partials;
    const next = open?.gop === state.nextGop ? open.partials.length : 0;
    return gop === state.nextGop && index === next;
  }

  private get listed(): PlaylistChannel {
    const { gopDurationTicks, framesPerSecond } = this.state;
    return { id: this.id, gopDurationTicks, framesPerSecond };
  }

  private requireOnAir(): void {
    if (!this.state.onAir) throw unknownChannel(this.id);
  }

  /** @throws SwarmError unknown-channel; unavailable while this copy is far behind the others */
  private requireServable(): void {
    this.requireOnAir();
    if (this.state.isCurrent) return;
    throw new SwarmError('unavailable', 'This origin is being filled by the others.', 'Ask another one.');
  }
}
