import { TICKS_PER_SECOND } from '../../domain';
import {
  PACKET_BYTES,
  TransportStreamReader,
  isVideoType,
  parseTables,
  readCutMark,
  setPid,
  writeTables,
  type CutMark,
  type MapEntry,
  type PesUnit,
  type ProgrammeTables,
} from '../mpegts';
import { LiveEdge } from './live-edge';

/** Sound that comes later than the picture it belongs to, by up to so much, is still put beside it. */
const LATE_LIMIT_TICKS = TICKS_PER_SECOND / 2;
/** A track that brought nothing for so long is not waited for. */
const SILENT_AFTER_TICKS = TICKS_PER_SECOND;
/** PID of the first track that goes round the encoder; ffmpeg gives 0x100 to the picture. */
const FIRST_PASSED_PID = 0x101;

/** A unit of sound or data on its way to the segments, with the PID that it has there. */
export interface PassedUnit {
  pid: number;
  /** Feed clock: it goes in front of the first encoded picture whose DTS is later. */
  placeTicks: number;
  packets: Buffer;
}

/** The tracks that go round the encoder, as a programme map lists them, with the PIDs that they have in segments. */
export interface PassedTracks {
  version: number;
  descriptors: Buffer;
  streams: MapEntry[];
  /** Feed clock: in force for GOPs that begin here or later. */
  placeTicks: number;
}

export interface FeedDemuxerHandlers {
  /** Tables and pictures, for the encoder; sound and data are not in them. */
  onPicture(packets: Buffer): void;
  onTracks(tracks: PassedTracks): void;
  onPassed(unit: PassedUnit): void;
  /** Where segments are to be cut, in channel time. */
  onCuts?(mark: CutMark): void;
}

interface Track {
  pid: number;
  isSound: boolean;
  lastPlaceTicks: number;
  /** DTS of the picture after which it brought something last. */
  lastHeardTicks: number;
}

/**
 * Takes a feed apart: the picture goes to the encoder, and each unit of sound and data round it, untouched, into the
 * segments of every rendition. So sound is never decoded or cut, and its absence, late start or end holds up no picture.
 *
 * Where a unit goes follows from the order of the feed alone, which is the ring's: two sessions that read the same feed
 * put each unit into the same GOP, whenever they began and however fast they are.
 */
export class FeedDemuxer {
  readonly edge = new LiveEdge();
  private readonly reader: TransportStreamReader;
  private tracks = new Map<number, Track>();
  private ended = false;

  constructor(private readonly handlers: FeedDemuxerHandlers) {
    this.reader = new TransportStreamReader({
      onUnit: (unit) => (unit.kind === 'video' ? this.takePicture(unit) : this.pass(unit)),
      onTables: (packets) => this.takeTables(packets),
      onNull: (packet) => {
        const mark = readCutMark(packet);
        if (mark) this.handlers.onCuts?.(mark);
      },
    });
  }

  /** @throws MalformedTransportStream when the feed is not a transport stream. */
  push(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  /** The feed has ended; a unit that was cut short is left out. */
  end(): void {
    if (this.ended) return;
    if (!this.reader.endsCutShort) this.reader.flush();
    this.ended = true;
  }

  /** True once nothing can come any more that goes in front of this time. */
  hasPassed(ticks: number): boolean {
    const { lastDtsTicks } = this.edge;
    if (this.ended || lastDtsTicks >= ticks + LATE_LIMIT_TICKS) return true;
    if (lastDtsTicks < ticks) return false;
    return [...this.tracks.values()].every(
      (track) =>
        !track.isSound ||
        track.lastPlaceTicks >= ticks ||
        track.lastHeardTicks < lastDtsTicks - SILENT_AFTER_TICKS,
    );
  }

  private takePicture(unit: PesUnit): void {
    this.edge.arrived(unit);
    this.handlers.onPicture(unit.packets);
  }

  /** Sound is placed by its time, data where it stands in the feed: its time may be far ahead. */
  private pass(unit: PesUnit): void {
    const track = this.tracks.get(unit.pid);
    if (!track) return;
    const pictureTicks = this.edge.lastDtsTicks;
    const placeTicks = track.isSound
      ? Math.max(unit.ptsTicks, track.lastPlaceTicks, pictureTicks - LATE_LIMIT_TICKS)
      : pictureTicks;
    track.lastPlaceTicks = placeTicks;
    track.lastHeardTicks = pictureTicks;
    const { packets } = unit;
    for (let at = 0; at < packets.length; at += PACKET_BYTES) setPid(packets, at, track.pid);
    this.handlers.onPassed({ pid: track.pid, placeTicks, packets });
  }

  private takeTables(packets: Buffer): void {
    const tables = parseTables(packets);
    const passed = tables.streams.filter(({ streamType }) => !isVideoType(streamType));
    const before = this.tracks;
    this.tracks = new Map();
    const streams = passed.map((stream, index) => {
      const pid = FIRST_PASSED_PID + index;
      const isSound = stream.kind === 'audio';
      const known = before.get(stream.pid);
      const kept = known?.pid === pid && known.isSound === isSound ? known : undefined;
      const fresh = { pid, isSound, lastPlaceTicks: -Infinity, lastHeardTicks: -Infinity };
      this.tracks.set(stream.pid, kept ?? fresh);
      return { ...stream, pid };
    });
    const { version, descriptors } = tables;
    this.handlers.onTracks({ version, descriptors, streams, placeTicks: this.edge.lastDtsTicks });
    this.handlers.onPicture(this.pictureTables(tables));
  }

  /** Without the other streams, of which ffmpeg would wait for some data before it begins. */
  private pictureTables(tables: ProgrammeTables): Buffer {
    const picture = tables.streams.find(({ kind }) => kind === 'video');
    const others = tables.streams.filter((stream) => stream !== picture);
    const isClockGone = others.some(({ pid }) => pid === tables.pcrPid);
    return writeTables({
      ...tables,
      streams: picture ? [picture] : [],
      pcrPid: isClockGone && picture ? picture.pid : tables.pcrPid,
    });
  }
}
