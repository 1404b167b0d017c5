import {
  SwarmError,
  bufferKbitOf,
  framesPerSecondOf,
  rateInWords,
  type FrameRate,
  type Rendition,
} from '../../domain';

/**
 * H.264 levels with their limits: macroblocks per frame and per second, and of Baseline and Main, kbit/s and kbit of
 * buffer (ITU-T H.264, table A-1).
 */
const LEVELS = [
  { name: '3.0', frame: 1_620, second: 40_500, kbps: 10_000, bufferKbit: 10_000 },
  { name: '3.1', frame: 3_600, second: 108_000, kbps: 14_000, bufferKbit: 14_000 },
  { name: '4.0', frame: 8_192, second: 245_760, kbps: 20_000, bufferKbit: 25_000 },
  { name: '4.2', frame: 8_704, second: 522_240, kbps: 50_000, bufferKbit: 62_500 },
  { name: '5.1', frame: 36_864, second: 983_040, kbps: 240_000, bufferKbit: 240_000 },
  { name: '5.2', frame: 36_864, second: 2_073_600, kbps: 240_000, bufferKbit: 240_000 },
] as const;

/**
 * The lowest level that a rendition fits in, from 3.0 up. Encoder builds choose different levels by themselves,
 * so it is pinned: equal sequence parameter sets let a player go on across a change of encoder.
 * @throws SwarmError encoder-incompatible when the picture is beyond level 5.2.
 */
export const avcLevelFor = (r: Omit<Rendition, 'crf'>, rate: FrameRate): string => {
  const macroblocks = Math.ceil(r.widthPx / 16) * Math.ceil(r.heightPx / 16);
  const framesPerSecond = framesPerSecondOf(rate);
  const bufferKbit = bufferKbitOf(r);
  const level = LEVELS.find(
    (l) =>
      macroblocks <= l.frame &&
      macroblocks * framesPerSecond <= l.second &&
      r.maxBitrateKbps <= l.kbps &&
      bufferKbit <= l.bufferKbit,
  );
  if (level) return level.name;
  throw new SwarmError(
    'encoder-incompatible',
    `Rendition ${r.name} of ${r.widthPx}x${r.heightPx} at ${rateInWords(rate)} is beyond H.264 level 5.2.`,
    'Ask for a smaller picture or fewer frames per second.',
  );
};
