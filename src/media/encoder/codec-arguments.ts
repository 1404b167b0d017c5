import {
  bufferKbitOf,
  codecFacts,
  codecOf,
  levelOf,
  pixelFormatOf,
  presetOf,
  profileOf,
  rateControlOf,
  rateForFfmpeg,
  renditionRate,
  renditionUnits,
  type FrameRate,
  type Rendition,
} from '../../domain';
import { hardwareArguments } from './hardware-arguments';

/**
 * A session keeps within this share of the rate buffer. It does not know how full the one before left a player's buffer;
 * where each keeps within a half, two of them in a row keep within the whole. x264 without lookahead also misses by a few
 * pictures, which the other half takes.
 */
const SESSION_BUFFER_SHARE = 0.5;
export const MAX_CONSECUTIVE_B_FRAMES = 2;
/** Encode units (see domain/encode-cost.ts) that one thread encodes in half of its time, as measured. */
const UNITS_PER_THREAD = 24;
const MAX_THREADS = 8;

/** Small pictures gain nothing from more threads. */
const threadsOf = (r: Rendition, channelRate: FrameRate): number =>
  Math.min(MAX_THREADS, Math.ceil(renditionUnits(r, channelRate) / UNITS_PER_THREAD));

/** Frames that threads hold back: x264 works at as many at once as it has threads, x265 at one. */
export const threadDelayFrames = (r: Rendition, channelRate: FrameRate): number =>
  codecFacts(codecOf(r)).family === 'hevc' ? 0 : threadsOf(r, channelRate) - 1;

/**
 * The codec of an output, with its rate control.
 * @param lowLatency no picture waits for a later one: none is shown in another order than it is encoded in, nothing is
 * looked ahead for, and threads share a picture instead of each taking its own
 * @throws SwarmError encoder-incompatible when it fits no level
 */
export const codecArguments = (r: Rendition, channelRate: FrameRate, lowLatency = false): string[] => {
  const { family, hardware } = codecFacts(codecOf(r));
  const bFrames = lowLatency ? 0 : MAX_CONSECUTIVE_B_FRAMES;
  if (hardware) return hardwareArguments(r, hardware, levelOf(r, channelRate), rateCap(r), bFrames);
  const threads = threadsOf(r, channelRate);
  const level = levelOf(r, channelRate).toFixed(1);
  return family === 'hevc'
    ? x265Arguments(r, { channelRate, level, threads, bFrames })
    : x264Arguments(r, { level, threads, bFrames });
};

const rateCap = (r: Rendition): string[] => [
  ...['-maxrate', `${r.maxBitrateKbps}k`],
  ...['-bufsize', `${Math.ceil(bufferKbitOf(r) * SESSION_BUFFER_SHARE)}k`],
];

const rateArguments = (r: Rendition): string[] => {
  const control = rateControlOf(r);
  const cap = `${r.maxBitrateKbps}k`;
  return [
    ...(control === 'crf' ? ['-crf', String(r.crf)] : []),
    ...(control === 'vbr' ? ['-b:v', `${r.bitrateKbps}k`] : []),
    ...(control === 'cbr' ? ['-b:v', cap, '-minrate', cap] : []),
    ...rateCap(r),
  ];
};

interface SoftwareOptions {
  level: string;
  threads: number;
  /** 0: for low latency. */
  bFrames: number;
}

const x264Arguments = (r: Rendition, { level, threads, bFrames }: SoftwareOptions): string[] => {
  const profile = profileOf(r);
  const atOnce = bFrames === 0 ? ':rc-lookahead=0:sync-lookahead=0:mbtree=0:sliced-threads=1' : '';
  return [
    ...['-c:v', 'libx264', '-preset', presetOf(r)!, '-threads', String(threads)],
    ...['-bf', String(profile === 'baseline' ? 0 : bFrames), ...rateArguments(r)],
    ...['-profile:v', profile, '-level', level, '-pix_fmt', pixelFormatOf(r)],
    // With a 90 kHz time base, x264 would take 90000 for the frame rate and freeze the picture under a VBV.
    ...['-x264-params', `force-cfr=0${atOnce}`],
  ];
};

/** The profile follows from the pixel format. */
const x265Arguments = (
  r: Rendition,
  { channelRate, level, threads, bFrames }: SoftwareOptions & { channelRate: FrameRate },
): string[] => {
  const options = {
    'log-level': 'error',
    // x265 goes by this rate, not by time stamps; builds before 5.0 would take it from the time base, 90000.
    fps: rateForFfmpeg(renditionRate(r, channelRate)),
    'level-idc': level,
    'high-tier': 0,
    // One picture at a time: what is made does not depend on the number of threads.
    'frame-threads': 1,
    pools: threads,
    // A GOP stands by itself: no picture refers across its beginning, and it brings its parameter sets.
    'open-gop': 0,
    scenecut: 0,
    'repeat-headers': 1,
    info: 0,
    ...(bFrames === 0 && { 'b-adapt': 0, 'rc-lookahead': 0, cutree: 0 }),
  };
  return [
    ...['-c:v', 'libx265', '-preset', presetOf(r)!, '-bf', String(bFrames)],
    ...[...rateArguments(r), '-pix_fmt', pixelFormatOf(r)],
    '-x265-params',
    Object.entries(options)
      .map(([name, value]) => `${name}=${value}`)
      .join(':'),
  ];
};
