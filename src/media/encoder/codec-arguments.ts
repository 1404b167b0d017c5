import {
  bufferKbitOf,
  codecFacts,
  codecOf,
  levelOf,
  pixelFormatOf,
  pixelRateOf,
  presetOf,
  profileOf,
  rateControlOf,
  rateForFfmpeg,
  renditionRate,
  type FrameRate,
  type Rendition,
} from '../../domain';

/**
 * A session keeps within this share of the rate buffer. It does not know how full the one before left a player's buffer;
 * where each keeps within a half, two of them in a row keep within the whole. x264 without lookahead also misses by a few
 * pictures, which the other half takes.
 */
const SESSION_BUFFER_SHARE = 0.5;
export const MAX_CONSECUTIVE_B_FRAMES = 2;
/** Multiples of 320x180 at 25 frames/s that one thread keeps up with at ease. */
const PIXEL_RATE_PER_THREAD = 16;

/** The codec of an output, with its rate control. @throws SwarmError encoder-incompatible when it fits no level. */
export const codecArguments = (r: Rendition, channelRate: FrameRate): string[] => {
  const threads = Math.min(8, Math.ceil(pixelRateOf(r, channelRate) / PIXEL_RATE_PER_THREAD));
  const level = levelOf(r, channelRate).toFixed(1);
  return codecFacts(codecOf(r)).family === 'hevc'
    ? x265Arguments(r, { channelRate, level, threads })
    : x264Arguments(r, { level, threads });
};

const rateArguments = (r: Rendition): string[] => {
  const control = rateControlOf(r);
  const cap = `${r.maxBitrateKbps}k`;
  return [
    ...(control === 'crf' ? ['-crf', String(r.crf)] : []),
    ...(control === 'vbr' ? ['-b:v', `${r.bitrateKbps}k`] : []),
    ...(control === 'cbr' ? ['-b:v', cap, '-minrate', cap] : []),
    ...['-maxrate', cap, '-bufsize', `${Math.ceil(bufferKbitOf(r) * SESSION_BUFFER_SHARE)}k`],
  ];
};

const x264Arguments = (r: Rendition, { level, threads }: { level: string; threads: number }): string[] => {
  const profile = profileOf(r);
  return [
    ...['-c:v', 'libx264', '-preset', presetOf(r), '-threads', String(threads)],
    ...['-bf', String(profile === 'baseline' ? 0 : MAX_CONSECUTIVE_B_FRAMES), ...rateArguments(r)],
    ...['-profile:v', profile, '-level', level, '-pix_fmt', pixelFormatOf(r)],
    // With a 90 kHz time base, x264 would take 90000 for the frame rate and freeze the picture under a VBV.
    ...['-x264-params', 'force-cfr=0'],
  ];
};

/** The profile follows from the pixel format. */
const x265Arguments = (
  r: Rendition,
  { channelRate, level, threads }: { channelRate: FrameRate; level: string; threads: number },
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
  };
  return [
    ...['-c:v', 'libx265', '-preset', presetOf(r), '-bf', String(MAX_CONSECUTIVE_B_FRAMES)],
    ...[...rateArguments(r), '-pix_fmt', pixelFormatOf(r)],
    '-x265-params',
    Object.entries(options)
      .map(([name, value]) => `${name}=${value}`)
      .join(':'),
  ];
};
