import type { ChannelSpec } from './channel';
import { codecFacts } from './codec';
import { SwarmError } from './errors';
import { framesIn, framesPerSecondOf, rateInWords, type FrameRate } from './frame-rate';
import { bufferKbitOf, codecOf, divisorOf, renditionRate, type Rendition } from './rendition';
import { fitsLevel, levelNumbersOf, lowestLevel, type LevelNeeds } from './video-levels';

const needsOf = (r: Rendition, channelRate: FrameRate): LevelNeeds => ({
  widthPx: r.widthPx,
  heightPx: r.heightPx,
  framesPerSecond: framesPerSecondOf(renditionRate(r, channelRate)),
  maxBitrateKbps: r.maxBitrateKbps,
  bufferKbit: bufferKbitOf(r),
});

const inWords = (r: Rendition, channelRate: FrameRate): string =>
  `Rendition ${r.name} of ${r.widthPx}x${r.heightPx} at ${rateInWords(renditionRate(r, channelRate))} and ${r.maxBitrateKbps} kbit/s`;

/**
 * The level that a rendition is encoded at: its own, else the lowest from 3 up that it fits in.
 * @param channelRate of the channel: the divisor of the rendition is counted here
 * @throws SwarmError encoder-incompatible when it fits in none, or not in its own
 */
export const levelOf = (r: Rendition, channelRate: FrameRate): number => {
  const { family, standard } = codecFacts(codecOf(r));
  const needs = needsOf(r, channelRate);
  const lowest = lowestLevel(family, needs);
  if (lowest === null) {
    throw new SwarmError(
      'encoder-incompatible',
      `${inWords(r, channelRate)} is beyond ${standard} level ${levelNumbersOf(family).at(-1)?.toFixed(1)}.`,
      'Ask for a smaller picture, fewer frames per second or a lower bit rate.',
    );
  }
  if (r.level === undefined || fitsLevel(family, r.level, needs)) return r.level ?? lowest;
  throw new SwarmError(
    'encoder-incompatible',
    `${inWords(r, channelRate)} does not fit in ${standard} level ${r.level.toFixed(1)}: it needs ${lowest.toFixed(1)}.`,
    'Leave its level out, or ask for less.',
  );
};

/**
 * What of a ladder depends on the channel's rate and GOPs.
 * @throws SwarmError conflict for a rendition beyond its level, or a divisor that does not divide a GOP
 */
export const requireEncodable = ({
  ladder,
  framesPerSecond,
  gopDurationTicks,
}: Pick<ChannelSpec, 'ladder' | 'framesPerSecond' | 'gopDurationTicks'>): void => {
  for (const rendition of ladder) {
    try {
      levelOf(rendition, framesPerSecond);
    } catch (error) {
      const { message, hint } = error as SwarmError;
      throw new SwarmError('conflict', message, hint);
    }
    const divisor = divisorOf(rendition);
    const frames = framesIn(framesPerSecond, gopDurationTicks);
    if (divisor === 1 || Number.isInteger(frames / divisor)) continue;
    throw new SwarmError(
      'conflict',
      `Rendition ${rendition.name}: frameRateDivisor ${divisor} does not divide the ${Number(frames.toFixed(3))} frames of a GOP.`,
      `Choose another divisor, or add the channel with GOPs whose frames are a multiple of ${divisor}.`,
    );
  }
};
