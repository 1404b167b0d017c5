import {
  BufferSource,
  BufferTarget,
  CmafOutputFormat,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  MPEG_TS,
  Output,
} from 'mediabunny';
import { SwarmError, TICKS_PER_SECOND } from '../../domain';
import {
  STREAM_TYPE_HEVC,
  TransportStreamReader,
  elementaryStreamOf,
  parseTables,
  retimePackets,
  unwrapTicks,
  writeTables,
  type PesUnit,
  type ProgrammeTables,
} from '../mpegts';
import { parameterSetsOf, withParameterSets, withoutSyncSample } from './later-stretch';
import { withSequenceNumber } from './sequence-number';
import { languageOf } from './sound-tracks';
import { withoutTimes } from './without-times';

/** The picture, or a track of sound by its place in the programme map, from 1. */
export type TrackOfGop = 'video' | number;

export interface FragmentJob {
  /** The GOP's segment, an MPEG transport stream. */
  segment: Uint8Array;
  track: TrackOfGop;
  /** The beginning of its GOP, if the segment is a later stretch of it: there are the parameter sets. */
  head?: Uint8Array;
  /** Channel time at which the GOP begins, and how long it lasts. */
  startTicks: number;
  durationTicks: number;
  /** Of `mfhd` (ISO/IEC 14496-12, 8.8.5): that of the fragment before it and 1; default 1. */
  sequenceNumber?: number;
}

/** One track of one GOP in fragmented MP4. */
export interface Fragment {
  /** Header (`ftyp`, `moov`) with which it can be played. */
  init: Uint8Array<ArrayBuffer>;
  /** `styp`, `sidx`, `moof`, `mdat`. */
  media: Uint8Array<ArrayBuffer>;
}

/** Where a GOP is moved to before its sound is read, so that no time in it is near the wrap of 33 bits. */
const READ_AT_TICKS = 10 * TICKS_PER_SECOND;

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

const notThere = (track: TrackOfGop): SwarmError =>
  new SwarmError('not-found', `This GOP has no ${track === 'video' ? 'picture' : `sound ${track}`}.`);

interface OneTrack {
  tables: ProgrammeTables;
  entry: ProgrammeTables['streams'][number];
  units: PesUnit[];
}

/** What a segment holds of one track. @throws SwarmError not-found */
const readTrack = (segment: Buffer, track: TrackOfGop): OneTrack => {
  let tables: ProgrammeTables | undefined;
  const units: PesUnit[] = [];
  const reader = new TransportStreamReader({
    onTables: (packets) => (tables ??= parseTables(packets)),
    onUnit: (unit) => units.push(unit),
  });
  reader.push(segment);
  reader.flush();
  const streams = tables?.streams ?? [];
  const entry =
    track === 'video'
      ? streams.find(({ kind }) => kind === 'video')
      : streams.filter(({ kind }) => kind === 'audio')[track - 1];
  const own = units.filter(({ pid }) => pid === entry?.pid);
  if (!tables || !entry || own.length === 0) throw notThere(track);
  return { tables, entry, units: own };
};

/** A transport stream of this track alone, in which the GOP begins at READ_AT_TICKS. */
const aloneIn = ({ tables, entry, units }: OneTrack, startTicks: number): Input => {
  const stream = Buffer.concat([
    writeTables({ ...tables, pcrPid: entry.pid, streams: [entry] }),
    ...units.map(({ packets }) => packets),
  ]);
  retimePackets(stream, READ_AT_TICKS - startTicks);
  return new Input({ source: new BufferSource(stream), formats: [MPEG_TS] });
};

/**
 * Pictures in the order of decoding. Of the times, presentation alone is theirs; the muxer takes as decoding times the
 * same ones in ascending order, so that a fragment begins where its GOP begins and ends where the next one begins.
 */
const packetsOfPictures = (
  units: readonly PesUnit[],
  startTicks: number,
  endTicks: number,
  toFirst: (picture: Buffer) => Buffer,
): EncodedPacket[] => {
  const times = units.map(({ ptsTicks }) => unwrapTicks(ptsTicks, startTicks));
  const inOrder = [...times].sort((a, b) => a - b);
  return units.map((unit, index) => {
    const lastsTicks = (inOrder[index + 1] ?? endTicks) - inOrder[index]!;
    const picture = elementaryStreamOf(unit);
    return new EncodedPacket(
      index === 0 ? toFirst(picture) : picture,
      index === 0 ? 'key' : 'delta',
      times[index]! / TICKS_PER_SECOND,
      Math.max(0, lastsTicks) / TICKS_PER_SECOND,
    );
  });
};

const newOutput = (): { output: Output; init: BufferTarget; media: BufferTarget } => {
  const init = new BufferTarget();
  const media = new BufferTarget();
  return {
    output: new Output({ format: new CmafOutputFormat(), target: media, initTarget: init }),
    init,
    media,
  };
};

const written = async (
  { output, init, media }: ReturnType<typeof newOutput>,
  { sequenceNumber = 1 }: Pick<FragmentJob, 'sequenceNumber'>,
): Promise<Fragment> => {
  await output.finalize();
  if (!init.buffer || !media.buffer) throw new SwarmError('internal', 'The muxer wrote nothing.');
  return {
    init: withoutTimes(new Uint8Array(init.buffer)),
    media: withSequenceNumber(new Uint8Array(media.buffer), sequenceNumber),
  };
};

/** Names of CICP (ITU-T H.273). */
interface ColourSpace {
  primaries?: string | null;
  transfer?: string | null;
  matrix?: string | null;
}

/** Colours of which nothing is known but their range are not told: strict players warn of a box that says so. */
const withKnownColour = <T extends object>(config: T): T => {
  const { primaries, transfer, matrix } =
    (config as { colorSpace?: ColourSpace | null | undefined }).colorSpace ?? {};
  return primaries || transfer || matrix ? config : { ...config, colorSpace: undefined };
};

const fragmentOfPictures = async (read: OneTrack, job: FragmentJob): Promise<Fragment> => {
  const head = job.head && readTrack(bufferOf(job.head), 'video');
  const isHevc = read.entry.streamType === STREAM_TYPE_HEVC;
  const sets = head && parameterSetsOf(elementaryStreamOf(head.units[0]!), isHevc);
  const toFirst = (picture: Buffer): Buffer => (sets ? withParameterSets(picture, sets, isHevc) : picture);
  const input = aloneIn(head ?? read, job.startTicks);
  const track = await input.getPrimaryVideoTrack();
  const codec = await track?.getCodec();
  const decoderConfig = await track?.getDecoderConfig();
  if (!codec || !decoderConfig) throw notThere('video');
  const made = newOutput();
  const source = new EncodedVideoPacketSource(codec);
  // The rate is the grid on which times are kept: that of MPEG-TS.
  made.output.addVideoTrack(source, { frameRate: TICKS_PER_SECOND });
  await made.output.start();
  const endTicks = job.startTicks + job.durationTicks;
  const knownConfig = withKnownColour(decoderConfig);
  for (const packet of packetsOfPictures(read.units, job.startTicks, endTicks, toFirst))
    await source.add(packet, { decoderConfig: knownConfig });
  const fragment = await written(made, job);
  if (head) withoutSyncSample(fragment.media);
  return fragment;
};

const fragmentOfSound = async (read: OneTrack, job: FragmentJob): Promise<Fragment> => {
  const input = aloneIn(read, job.startTicks);
  const track = await input.getPrimaryAudioTrack();
  const codec = await track?.getCodec();
  const decoderConfig = await track?.getDecoderConfig();
  if (!track || !codec || !decoderConfig) throw notThere(job.track);
  const made = newOutput();
  const source = new EncodedAudioPacketSource(codec);
  const language = languageOf(read.entry.descriptors);
  made.output.addAudioTrack(source, language === undefined ? {} : { languageCode: language });
  await made.output.start();
  const { sampleRate } = decoderConfig;
  const shiftSeconds = (job.startTicks - READ_AT_TICKS) / TICKS_PER_SECOND;
  for await (const packet of new EncodedPacketSink(track).packets()) {
    // On the grid of samples: MPEG-TS has rounded them to its ticks.
    const sample = Math.round((packet.timestamp + shiftSeconds) * sampleRate);
    if (sample < 0) continue;
    const duration = Math.round(packet.duration * sampleRate) / sampleRate;
    await source.add(packet.clone({ timestamp: sample / sampleRate, duration }), { decoderConfig });
  }
  return written(made, job);
};

/**
 * Makes a fragment of one track of a GOP, and the header for it. Both are functions of the arguments alone: every
 * origin and every run makes the same bytes, and a header is the same for as long as the codec's parameters are.
 * @throws SwarmError not-found where the GOP has no such track; Error where its codec can't stand in MP4
 */
export const makeFragment = async (job: FragmentJob): Promise<Fragment> => {
  const read = readTrack(bufferOf(job.segment), job.track);
  return job.track === 'video' ? fragmentOfPictures(read, job) : fragmentOfSound(read, job);
};
