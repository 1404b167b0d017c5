import type { Codec, Preset } from './codec';
import { pixelsPerSecondOf, type FrameRate } from './frame-rate';
import { codecOf, pixelFormatOf, presetOf, renditionRate, type Rendition } from './rendition';

/** The picture size whose cost is one encode unit at 25 frames/s, with libx264 superfast in 8 bits. */
export const UNIT_PIXELS_PER_SECOND = 320 * 180 * 25;

/**
 * CPU time per pixel, as a multiple of libx264 superfast. Measured once with ffmpeg 5.1 on a moving, noisy 640x360 picture
 * at 1 Mbit/s, one thread, without decoding; hosts differ.
 */
const COST_OF: Readonly<Partial<Record<Codec, Readonly<Partial<Record<Preset, number>>>>>> = {
  libx264: { ultrafast: 0.6, superfast: 1, veryfast: 1.5, faster: 2.2, fast: 3, medium: 4 },
  libx265: { ultrafast: 3, superfast: 4, veryfast: 5.5, faster: 6, fast: 7.5, medium: 8 },
};

/** Measured: 1.2 with libx264, 1.13 with libx265. */
const TEN_BIT_COST = 1.2;

/** Hardware was not measured: it counts as libx264 superfast, for the decoding and scaling that the cores do for it. */
const costOfPreset = (codec: Codec, preset: Preset | undefined): number =>
  (preset && COST_OF[codec]?.[preset]) ?? 1;

/** How much more a pixel of a rendition costs than one of libx264 superfast in 8 bits. */
export const costFactorOf = (r: Rendition): number =>
  costOfPreset(codecOf(r), presetOf(r)) * (pixelFormatOf(r) === 'yuv420p10le' ? TEN_BIT_COST : 1);

/** Pixels per second of a rendition, as a multiple of 320x180 at 25 frames/s. */
export const pixelRateOf = (r: Rendition, rate: FrameRate): number =>
  pixelsPerSecondOf(r, renditionRate(r, rate)) / UNIT_PIXELS_PER_SECOND;

/**
 * Cost of one rendition in encode units: its pixel rate times the cost of codec, preset and bit depth. 320x180 at 25
 * frames/s with libx264 superfast is 1.
 * @param rate of its channel
 */
export const renditionUnits = (r: Rendition, rate: FrameRate): number =>
  pixelRateOf(r, rate) * costFactorOf(r);
