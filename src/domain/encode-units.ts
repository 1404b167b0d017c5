import { framesPerSecondOf, type FrameRate } from './frame-rate';
import { DEFAULT_PRESET, type Rendition, type X264Preset } from './rendition';

/** The picture size whose cost is one encode unit at 25 frames/s with the default preset. */
export const UNIT_PIXELS_PER_SECOND = 320 * 180 * 25;

/**
 * CPU of a rendition beside that of the default preset at the same size, as measured by encoder hosts
 * (docs/results/capacity.md), rounded up. ultrafast is quicker than superfast in some builds and slower in others.
 */
const PRESET_FACTORS: Record<X264Preset, number> = {
  ultrafast: 1,
  superfast: 1,
  veryfast: 1.3,
  faster: 2.2,
  fast: 2.7,
  medium: 3,
};

/** Pixels per second of a rendition, as a multiple of 320x180 at 25 frames/s. */
const pixelRateOf = ({ widthPx, heightPx }: Rendition, rate: FrameRate): number =>
  (widthPx * heightPx * framesPerSecondOf(rate)) / UNIT_PIXELS_PER_SECOND;

/** How much more a pixel of a rendition costs than one of the default preset. */
const costFactorOf = (r: Rendition): number => PRESET_FACTORS[r.preset ?? DEFAULT_PRESET];

/**
 * Cost of one rendition in encode units: its pixel rate, times what its preset costs. 320x180 at 25 frames/s is 1. Units
 * are a currency: how many of them a host has, it measures.
 */
export const renditionUnits = (r: Rendition, rate: FrameRate): number =>
  pixelRateOf(r, rate) * costFactorOf(r);

/** Cost of a ladder's encodes alone. */
export const ladderUnits = (ladder: readonly Rendition[], rate: FrameRate): number =>
  ladder.reduce((sum, r) => sum + renditionUnits(r, rate), 0);
