import { buffer } from 'node:stream/consumers';
import { SwarmError, gopOf } from '../../domain';
import { tablesOf } from '../mpegts';
import type { FragmentJob } from '../packaging';
import { lifeOf, packagedTrackOf, soundName, trackName, type CmafTrack } from './cmaf-names';
import { cmafMaster, cmafPlaylist, hasConfiguration } from './cmaf-playlists';
import { soundIn } from './cmaf-tracks';
import { dashManifest } from './dash-manifest';
import { mediaSequenceOf, picturesOfPiece, piecesOf, type Piece } from './gop-cuts';
import { MASTER_WINDOW_MS, type AskedPlaylist, type FoundMedia, type ListedMedia } from './listed-media';
import type { PartialName } from './partial-rules';
import { cuesQuery, type PlaylistChannel } from './playlists';
import type { LedgerRecord } from './records';

/** A fragment that can be made of what is stored. */
export interface FragmentSource {
  /** What a URL must name for the fragment to be kept for good. */
  version: string;
  /** Names it among all of the origin. */
  name: string;
  /** Reads the segment that it is made of. @throws SwarmError not-found where it has gone meanwhile */
  job: () => Promise<FragmentJob>;
}

/** Fragments of parts are numbered apart from those of GOPs: of a GOP there are no more of them. */
const NUMBERS_OF_PARTS = 1_000;

const notStored = (what: string): SwarmError =>
  new SwarmError('not-found', `${what} is not stored.`, 'Take fragments from the playlist or manifest.');

/** What a channel has published, as fragmented MP4: made of the ledger, and of segments when they are asked for. */
export class CmafMedia {
  constructor(
    private readonly channel: PlaylistChannel,
    private readonly media: ListedMedia,
  ) {}

  get gopDurationTicks(): number {
    return this.channel.gopDurationTicks;
  }

  /** @throws SwarmError not-found */
  masterPlaylist(withCues = false): string {
    const query = cuesQuery(withCues);
    return this.media.cached(`cmaf/master${query}`, () =>
      cmafMaster(this.channel, this.media.window(this.channel, MASTER_WINDOW_MS), query),
    );
  }

  /** @throws SwarmError not-found */
  mediaPlaylist(track: CmafTrack, asked: AskedPlaylist): string {
    const name = trackName(track);
    const { windowMs, withCues = false, skip = false } = asked;
    return this.media.cached(`cmaf/${name}/${windowMs}${cuesQuery(withCues)}/${skip}`, () => {
      const records = this.media.window(this.channel, windowMs);
      const before = records[0] && this.media.ledger.get(records[0].gop - 1);
      const wanted = 'sound' in track ? this.requireSound(track.sound, records) : this.media.latestOf(name);
      const { renditions = [], sound = [] } = this.media.ledger.lastPublished ?? {};
      const tracks = [...renditions.map((r) => r.name), ...sound.map((s) => soundName(s.track))];
      const lowLatency = this.media.lowLatency(this.channel, { ...asked, own: name, tracks });
      const source = { channel: this.channel, records, before, withCues, lowLatency };
      return cmafPlaylist(source, wanted, (gop) => this.media.isPublic(gop));
    });
  }

  /** @throws SwarmError not-found */
  manifest(windowMs: number): string {
    return this.media.cached(`dash/${windowMs}`, () => {
      const records = this.media.window(this.channel, windowMs);
      return dashManifest(this.channel, records, windowMs, (gop) => this.media.has(gop));
    });
  }

  /** The fragment that begins at a channel time. @throws SwarmError not-found */
  fragmentAt(track: CmafTrack, startTicks: number): FragmentSource {
    const { gopDurationTicks } = this.channel;
    const gop = gopOf(startTicks, gopDurationTicks);
    const record = this.media.has(gop) ? this.media.ledger.get(gop) : undefined;
    const piece = record && piecesOf(record, this.channel).find((p) => p.startTicks === startTicks);
    const found = piece && this.sourceOf(record, track, piece);
    if (!found) throw notStored(`A fragment at ${startTicks} ticks`);
    return found;
  }

  /** A partial segment that is public. @throws SwarmError not-found */
  partial(track: CmafTrack, name: PartialName): Omit<FragmentSource, 'version'> {
    const { gop, index, token } = name;
    const open = this.media.partials?.open;
    const record = open?.gop === gop ? open.announced : this.media.ledger.get(gop);
    const [piece] = record ? piecesOf(record, this.channel) : [];
    const rendition = record && piece && this.renditionOf(record, track, piece);
    if (!record || rendition === undefined) throw notStored(`Partial segment ${index} of GOP ${gop}`);
    const packaged = packagedTrackOf(track);
    const { partial, bytes, open: read } = this.media.partial(rendition, name);
    // One that another encode goes on with stands by itself.
    const first = partial.independent ? undefined : this.headOf(rendition, name);
    return {
      name: `${this.channel.id}/${gop}.p${index}/${token}/${rendition}/${packaged}`,
      job: async () => {
        const own = await buffer(read(0, bytes - 1));
        const { startTicks, endTicks } = partial;
        const place = {
          ...{ track: packaged, startTicks, durationTicks: endTicks - startTicks },
          sequenceNumber: (1 + mediaSequenceOf(record)) * NUMBERS_OF_PARTS + index,
        };
        if (!first) return { segment: own, ...place };
        // Tables and parameter sets stand at the beginning of an encode alone.
        const head = await buffer(first.open(0, first.bytes - 1));
        return { segment: Buffer.concat([tablesOf(head), own]), head, ...place };
      },
    };
  }

  /** The beginning of the encode that a partial segment is of. @throws SwarmError not-found */
  private headOf(rendition: string, { gop, index }: PartialName): FoundMedia {
    const { open, wholeGops } = this.media.partials ?? {};
    const all = (open?.gop === gop ? open.partials : wholeGops?.get(gop)) ?? [];
    const at = all.slice(0, index).findLastIndex(({ independent }) => independent);
    const head = all[at];
    if (!head) throw notStored(`The beginning of GOP ${gop}`);
    return this.media.partial(rendition, { gop, index: at, token: head.token });
  }

  /** The newest fragment with a header of this configuration. @throws SwarmError not-found */
  fragmentWith(track: CmafTrack, configuration: string): FragmentSource {
    const record = this.media
      .retained()
      .findLast((r) => this.media.has(r.gop) && hasConfiguration(r, track, configuration));
    const pieces = record ? piecesOf(record, this.channel) : [];
    const piece = pieces.find((p) => !('sound' in track) || soundIn(record!, track.sound, p));
    const found = record && piece && this.sourceOf(record, track, piece);
    if (!found) throw notStored(`A fragment with the header ${configuration}`);
    return found;
  }

  private requireSound(track: number, records: readonly LedgerRecord[]): number {
    if (records.some((record) => soundIn(record, track))) return track;
    throw new SwarmError(
      'not-found',
      `This channel has no sound ${track}.`,
      'Take tracks of sound from the master playlist.',
    );
  }

  private sourceOf(record: LedgerRecord, track: CmafTrack, piece: Piece): FragmentSource | undefined {
    const rendition = this.renditionOf(record, track, piece);
    if (rendition === undefined) return undefined;
    const { gop } = record;
    const { index, count, startTicks, durationTicks } = piece;
    const version = lifeOf(record, this.channel);
    const packaged = packagedTrackOf(track);
    return {
      version,
      name: `${this.channel.id}/${version}/${startTicks}/${rendition}/${packaged}`,
      job: async () => {
        const {
          record: stored,
          bytes,
          open,
        } = this.media.segment(rendition, gop, count === 1 ? undefined : index);
        const segment = await buffer(open(0, bytes - 1)).catch(() => {
          throw notStored(`GOP ${gop}`);
        });
        const own = packaged === 'video' ? picturesOfPiece(stored, piece) : { startTicks, durationTicks };
        const sequenceNumber = 1 + mediaSequenceOf(record) + index;
        return { segment, track: packaged, ...own, sequenceNumber };
      },
    };
  }

  /** The rendition whose segment a fragment is made of: for sound, which all have alike, the smallest segment. */
  private renditionOf(record: LedgerRecord, track: CmafTrack, piece: Piece): string | undefined {
    if ('rendition' in track) return record.renditions.find(({ name }) => name === track.rendition)?.name;
    if (!soundIn(record, track.sound, piece)) return undefined;
    return [...record.renditions].sort((a, b) => a.bytes - b.bytes || (a.name < b.name ? -1 : 1))[0]?.name;
  }
}
