import { gunzipSync, gzipSync, strFromU8, strToU8 } from 'fflate/browser';
import type { ChannelPage, ChannelPageRequest, ChannelSpec } from '../../src/domain';

/** A payload of Temporal may have 2 MiB; the rest is for what else the swarm carries, or tells. */
const PACKED_AT_MOST_BYTES = 1_536 * 1024;
/** Shorter lists pass to the next run as they are: readable in Temporal's UI, and by older versions. */
const PLAIN_AT_MOST_BYTES = 256 * 1024;
/** Of one page, and of the answer that has all channels. */
const PAGE_AT_MOST_BYTES = 512 * 1024;
/** Higher ones take longer, and hardly any less room. */
const GZIP_LEVEL = 1;

/** How the list passes from one run of the swarm to the next: as it is, or as gzip of JSON where it is long. */
export type CarriedChannels = { channels: ChannelSpec[] } | { packed: Uint8Array };

/** Of one channel in a list as JSON, with its comma. */
const bytesOf = (spec: ChannelSpec): number => strToU8(JSON.stringify(spec)).length + 1;

const plainBytesOf = (specs: readonly ChannelSpec[]): number =>
  specs.reduce((sum, spec) => sum + bytesOf(spec), 0);

/** Without the time that gzip has a place for: the same list must give the same bytes. */
const pack = (channels: readonly ChannelSpec[]): Uint8Array =>
  gzipSync(strToU8(JSON.stringify(channels)), { level: GZIP_LEVEL, mtime: 0 });

const unpack = (packed: Uint8Array): ChannelSpec[] =>
  JSON.parse(strFromU8(gunzipSync(packed))) as ChannelSpec[];

/** The channels of a swarm, in the order in which they were added. No answer and no run carries more than a bound. */
export class ChannelList {
  private specs: readonly ChannelSpec[];
  private changes = 0;
  private plainBytes: number;
  /** A list of so many bytes was found to need so many when packed. */
  private measured: { plainBytes: number; packedBytes: number };
  /** By the last measurement that found no room: at this revision, for so many bytes more. */
  private full: { revision: number; moreBytes: number } | null = null;

  constructor(carried: CarriedChannels = { channels: [] }) {
    this.specs = 'packed' in carried ? unpack(carried.packed) : carried.channels;
    this.plainBytes = plainBytesOf(this.specs);
    this.measured = {
      plainBytes: this.plainBytes,
      packedBytes: 'packed' in carried ? carried.packed.length : this.plainBytes,
    };
  }

  get all(): readonly ChannelSpec[] {
    return this.specs;
  }

  /** How often the list has changed in this run. */
  get revision(): number {
    return this.changes;
  }

  /** Whether all fit in one answer. */
  get isShort(): boolean {
    return this.plainBytes <= PAGE_AT_MOST_BYTES;
  }

  add(spec: ChannelSpec): void {
    this.specs = [...this.specs, spec];
    this.plainBytes += bytesOf(spec);
    this.changes += 1;
  }

  remove(channelId: string): void {
    const removed = this.specs.filter((spec) => spec.id === channelId);
    this.specs = this.specs.filter((spec) => spec.id !== channelId);
    this.plainBytes -= plainBytesOf(removed);
    this.changes += 1;
  }

  /**
   * Whether the list can still be carried with these beside it. Measures only where it may not: what came since the
   * last measurement counts as if gzip made it no shorter.
   */
  hasRoomFor(more: readonly ChannelSpec[]): boolean {
    const moreBytes = plainBytesOf(more);
    const { measured } = this;
    const sinceBytes = Math.max(0, this.plainBytes + moreBytes - measured.plainBytes);
    if (measured.packedBytes + sinceBytes <= PACKED_AT_MOST_BYTES) return true;
    const { full } = this;
    if (full?.revision === this.changes && moreBytes >= full.moreBytes) return false;
    const packedBytes = pack([...this.specs, ...more]).length;
    if (packedBytes > PACKED_AT_MOST_BYTES) {
      this.full = { revision: this.changes, moreBytes };
      return false;
    }
    this.measured = { plainBytes: this.plainBytes + moreBytes, packedBytes };
    return true;
  }

  carried(): CarriedChannels {
    if (this.plainBytes <= PLAIN_AT_MOST_BYTES) return { channels: [...this.specs] };
    return { packed: pack(this.specs) };
  }

  /** At least one channel, if there is one at this place; fewer than asked for where they would be too long. */
  page({ from, limit }: ChannelPageRequest, revision: string): ChannelPage {
    const channels: ChannelSpec[] = [];
    let bytes = 0;
    for (const spec of this.specs.slice(from, from + limit)) {
      bytes += bytesOf(spec);
      if (channels.length > 0 && bytes > PAGE_AT_MOST_BYTES) break;
      channels.push(spec);
    }
    return { revision, total: this.specs.length, channels };
  }
}
