import type { SourceSpec } from '../../contracts/source';
import {
  TICKS_PER_SECOND,
  framesIn,
  framesPerSecondOf,
  pixelsPerSecondOf,
  rateForFfmpeg,
  ticksToSeconds,
  type FrameRate,
} from '../../domain';
import { KEEPS_STAMP_ARGUMENTS, SOUND_RATE_HZ } from '../stamp';
import { isRgb } from './input-colour';
import { trackName, type InputPlan } from './input-plan';
import { LIVE_ANALYSIS_ARGUMENTS, SCTE_35, demuxerArguments } from './probe';
import type { SoundTrack } from './track-watch';

/** Pictures per GOP; a fraction where the GOP is not a whole number of pictures. */
export const framesPerGop = (spec: Pick<SourceSpec, 'framesPerSecond' | 'gopDurationTicks'>): number =>
  framesIn(spec.framesPerSecond, spec.gopDurationTicks);

/** Video that one thread encodes in real time with room to spare: 720p at 30 pictures/s. */
const PIXELS_PER_THREAD = 1280 * 720 * 30;
const MOST_THREADS = 4;
/** Of AAC: transparent, as it is encoded a second time. */
const AUDIO_KBPS_PER_CHANNEL = 96;
/** The picture's PID; sound and data that are copied follow it. */
const FIRST_PID = 0x100;
/** Sound that is encoded: one PID each. */
const FIRST_ENCODED_PID = 0x180;
/** So that no output shifts its times to keep them from being negative, and all stay in step. */
const START_SECONDS = '10';
/** A track that is late or sparse holds the others back no longer than this. */
const INTERLEAVE_MICROSECONDS = '100000';

/** A live picture that stood still goes on at a keyframe: this far apart at most. */
const LIVE_KEYFRAME_SECONDS = 0.5;

/** A keyframe at the start of each GOP, and as good as nowhere else; of a live picture also at even parts of it. */
const keyframeArguments = (spec: SourceSpec, isLive: boolean): string[] => {
  const frames = framesPerGop(spec);
  const wanted = isLive ? framesPerSecondOf(spec.framesPerSecond) * LIVE_KEYFRAME_SECONDS : frames;
  if (Number.isInteger(frames)) {
    let distance = Math.max(1, Math.floor(Math.min(frames, wanted)));
    while (frames % distance !== 0) distance -= 1;
    return ['-g', `${distance}`, '-keyint_min', `${distance}`];
  }
  const gopSeconds = ticksToSeconds(spec.gopDurationTicks);
  const seconds = isLive ? gopSeconds / Math.ceil(gopSeconds / LIVE_KEYFRAME_SECONDS) : gopSeconds;
  // Half a millisecond of slack, as t is rounded.
  const expression = `expr:gte(t+0.0005,n_forced*${seconds})`;
  return ['-g', '100000', '-force_key_frames', expression];
};

/** Cheap, of high quality and without delay. */
const encoderArguments = (spec: SourceSpec, threads: number, isLive = false): string[] => [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '16', '-bf', '0'],
  ...['-threads:v', `${threads}`, '-sc_threshold', '0', '-forced-idr', '1'],
  ...keyframeArguments(spec, isLive),
];

/** The muxer announces the length of each picture, so that the relay passes it on without waiting for the next. */
const muxerArguments = (firstPid: number, descriptor: number): string[] => [
  ...['-f', 'mpegts', '-mpegts_start_pid', `${firstPid}`, '-omit_video_pes_length', '0'],
  ...['-muxdelay', '0', '-muxpreload', '0', '-flush_packets', '1', `pipe:${descriptor}`],
];

/** Descriptor from which drawn sound is read. */
const DRAWN_SOUND_DESCRIPTOR = 3;

/**
 * ffmpeg arguments that encode raw pictures from standard input, and 16-bit PCM of 48 kHz from descriptor 3.
 * @param sound how many speakers it has, and by how much its first sample is later than the first picture; null: none
 */
export const generatedArguments = (
  spec: SourceSpec,
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
  sound: { speakers: number; delaySeconds: number } | null,
): string[] => [
  ...['-hide_banner', '-nostats', '-v', 'error', '-probesize', '32', '-f', 'rawvideo'],
  ...['-pix_fmt', 'yuv420p', '-s', `${widthPx}x${heightPx}`, '-r', rateForFfmpeg(spec.framesPerSecond)],
  ...['-i', 'pipe:0'],
  ...(sound ? drawnSoundInput(sound) : []),
  ...['-vsync', 'passthrough'],
  ...encoderArguments(spec, threadsFor({ widthPx, heightPx }, spec.framesPerSecond)),
  ...(sound ? drawnSoundOutput(sound) : []),
  ...muxerArguments(FIRST_PID, 1),
];

const drawnSoundInput = ({
  speakers,
  delaySeconds,
}: {
  speakers: number;
  delaySeconds: number;
}): string[] => [
  ...['-probesize', '32', '-f', 's16le', '-ar', `${SOUND_RATE_HZ}`, '-ac', `${speakers}`],
  ...['-itsoffset', delaySeconds.toFixed(6), '-i', `pipe:${DRAWN_SOUND_DESCRIPTOR}`],
];

/** A packet for each frame, so that the sound can be parted between any two of them. */
const drawnSoundOutput = ({ speakers }: { speakers: number }): string[] => [
  ...['-map', '0:v', '-map', '1:a', '-c:a', 'aac', '-b:a', `${speakers * AUDIO_KBPS_PER_CHANNEL}k`],
  ...[...KEEPS_STAMP_ARGUMENTS, '-pes_payload_size', '0', '-output_ts_offset', START_SECONDS],
  ...['-max_interleave_delta', INTERLEAVE_MICROSECONDS],
];

const threadsFor = (size: { widthPx: number; heightPx: number }, rate: FrameRate): number =>
  Math.min(MOST_THREADS, Math.ceil(pixelsPerSecondOf(size, rate) / PIXELS_PER_THREAD));

/** An input whose bytes come by CarriedInput. */
const PIPED = ['-protocol_whitelist', 'pipe', '-f', 'mpegts', '-i', 'pipe:0'];
/** The same, of an input of whatever container that was taken from its sender (see senders.ts). */
const PIPED_ANY = ['-protocol_whitelist', 'pipe', '-i', 'pipe:0'];

export interface InputArguments {
  args: string[];
  /** Descriptors besides standard output that MPEG-TS comes from: one for each track of sound that is encoded. */
  extraOutputs: number;
  /** The sound that is sent, with the PIDs that it has. */
  sound: SoundTrack[];
  /** PIDs of SCTE-35, which comes dressed (see splice-carrier.ts). */
  splicePids: ReadonlySet<number>;
  /** What comes has the times that the sender gave it, later by a fixed span. */
  keepsClock: boolean;
}

/**
 * Times as the sender gave them, for an input that may have to go on with the pictures of another one. Where the picture is
 * encoded, a clock that begins anywhere would be taken for a pause; sound begins with what comes first.
 */
const KEEPS_CLOCK = ['-copyts', '-avoid_negative_ts', 'disabled'];

/** First descriptor after those of every process. */
const FIRST_EXTRA_DESCRIPTOR = 3;

/**
 * ffmpeg arguments that bring an input once through, as fast as what it writes is read. What is encoded comes by an
 * output of its own, as ffmpeg writes no output before each of its tracks has brought something.
 * @param wantsClock the clock of the sender is wanted, where it can be had
 * @param isPiped its bytes come by standard input
 */
export const inputArguments = (
  spec: SourceSpec,
  url: string,
  plan: InputPlan,
  { wantsClock = false, isPiped = false } = {},
): InputArguments => {
  const tracks = [...plan.audio, ...plan.data].filter((track) => track.carried === 'as-is');
  const encoded = plan.audio.filter((track) => track.carried === 'encoded');
  const keepsClock = wantsClock && plan.isTransportStream && !plan.finite && plan.video.carried === 'as-is';
  const common = ['-output_ts_offset', START_SECONDS, '-max_interleave_delta', INTERLEAVE_MICROSECONDS];
  return {
    args: [
      ...['-hide_banner', '-nostats', '-nostdin', '-v', 'error'],
      ...(plan.finite ? [] : LIVE_ANALYSIS_ARGUMENTS),
      ...(keepsClock ? KEEPS_CLOCK : []),
      ...(plan.hasSplices ? PIPED : isPiped ? PIPED_ANY : [...demuxerArguments(url, plan.list), '-i', url]),
      ...['-map', `0:${plan.video.index}`],
      ...tracks.flatMap(({ index }) => ['-map', `0:${index}`]),
      ...['-c', 'copy', ...videoArguments(spec, plan), ...common, ...muxerArguments(FIRST_PID, 1)],
      ...encoded.flatMap((track, i) => [
        ...['-map', `0:${track.index}`, ...audioArguments(track), ...common],
        ...muxerArguments(FIRST_ENCODED_PID + i, FIRST_EXTRA_DESCRIPTOR + i),
      ]),
    ],
    extraOutputs: encoded.length,
    sound: [
      ...plan.audio.flatMap((track) => {
        const place = tracks.indexOf(track);
        return place < 0 ? [] : [soundTrack(FIRST_PID + 1 + place, track)];
      }),
      ...encoded.map((track, i) => soundTrack(FIRST_ENCODED_PID + i, track)),
    ],
    splicePids: new Set(
      tracks.flatMap(({ codec }, place) => (codec === SCTE_35 ? [FIRST_PID + 1 + place] : [])),
    ),
    keepsClock,
  };
};

/** Samples of a frame, of codecs in which all have as many. */
const samplesPerFrame: Record<string, number> = {
  aac: 1_024,
  mp2: 1_152,
  mp3: 1_152,
  ac3: 1_536,
  eac3: 1_536,
};
/** MP3 of lower rates has shorter frames. */
const LEAST_MP3_RATE_HZ = 32_000;

const soundTrack = (pid: number, track: InputPlan['audio'][number]): SoundTrack => {
  const { codec, sampleRateHz, carried } = track;
  const samples = codec === 'mp3' && sampleRateHz < LEAST_MP3_RATE_HZ ? 576 : samplesPerFrame[codec];
  const isKnown = carried === 'as-is' && samples !== undefined && sampleRateHz > 0;
  return {
    pid,
    name: trackName(track),
    frameTicks: isKnown ? (samples * TICKS_PER_SECOND) / sampleRateHz : null,
  };
};

const videoArguments = (spec: SourceSpec, { video, rate, finite }: InputPlan): string[] => {
  if (video.carried === 'as-is') return video.bitstreamFilter ? ['-bsf:v', video.bitstreamFilter] : [];
  const framesPerSecond = rateForFfmpeg(rate ?? spec.framesPerSecond);
  const isByField = spec.deinterlace === 'field';
  const filters = [
    ...(video.scan === 'interlaced' ? [`bwdif=mode=send_${isByField ? 'field' : 'frame'}`] : []),
    ...(finite ? [`fps=${framesPerSecond}`] : []),
    // H.264 of fewer colours than 4:4:4 has even sizes.
    `scale=ceil(iw/2)*2:ceil(ih/2)*2:out_range=limited${isRgb(video) ? ':out_color_matrix=bt709' : ''}`,
    'format=yuv420p|yuv422p|yuv420p10le|yuv422p10le',
  ];
  const threads = threadsFor(video, rate ?? spec.framesPerSecond);
  // The filter holds each picture back until the next one comes, which may take long where the picture stands still.
  const live = finite ? [] : ['-vsync', 'cfr', '-r', framesPerSecond];
  return ['-vf', filters.join(), ...live, ...encoderArguments(spec, threads, !finite)];
};

/** Surround sound of up to six channels stays what it is, unless it is mixed down. */
const audioArguments = ({ channels, mixedDown }: InputPlan['audio'][number]): string[] => {
  const layouts = mixedDown ? 'mono|stereo' : 'mono|stereo|5.1';
  const most = mixedDown ? 2 : 6;
  return [
    ...['-af', `aresample=async=1,aformat=sample_rates=48000:channel_layouts=${layouts}`],
    ...['-c:a', 'aac', '-b:a', `${Math.min(most, Math.max(2, channels)) * AUDIO_KBPS_PER_CHANNEL}k`],
  ];
};
