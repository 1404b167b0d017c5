import { ladderUnits } from './channel';
import { renditionUnits } from './encode-cost';
import type { FrameRate } from './frame-rate';
import { framesPerSecondOf } from './frame-rate';
import { alwaysOnLadder, type Ladder } from './ladder';
import type { PictureFormat } from './picture-format';
import { bufferKbitOf, type Rendition } from './rendition';
import { lowestLevel } from './video-levels';

/** Sizes of the top rung, as parts of the input's: the largest that fits is taken. */
const TOP_SCALES = [1, 3 / 4, 2 / 3, 1 / 2, 3 / 8, 1 / 3, 1 / 4, 3 / 16, 1 / 6, 1 / 8, 1 / 12, 1 / 16];
/** No rung that was made by halving has a shorter side than this. */
const SHORTEST_SIDE_PX = 144;
const MOST_RUNGS = 4;

const evenAtLeast16 = (px: number): number => Math.max(16, 2 * Math.round(px / 2));

/** 400 kbit/s at 320x180 and 25 frames/s; a picture of 16 times the pixels has 9 times the bits. */
const bitrateKbpsOf = (pixels: number, framesPerSecond: number): number => {
  const kbps = 400 * (pixels / (320 * 180)) ** 0.8 * Math.sqrt(framesPerSecond / 25);
  return Math.min(100_000, Math.max(100, 50 * Math.round(kbps / 50)));
};

const crfOf = (pixels: number): number => (pixels <= 320 * 180 ? 26 : pixels <= 854 * 480 ? 24 : 23);

const rungOf = ({ widthPx, heightPx, rate }: PictureFormat, scale: number): Rendition => {
  const [width, height] = [evenAtLeast16(widthPx * scale), evenAtLeast16(heightPx * scale)];
  return {
    name: `${Math.min(width, height)}p`,
    widthPx: width,
    heightPx: height,
    crf: crfOf(width * height),
    maxBitrateKbps: bitrateKbpsOf(width * height, framesPerSecondOf(rate)),
  };
};

const canBeCoded = (rung: Rendition, rate: FrameRate): boolean =>
  lowestLevel('h264', {
    ...rung,
    framesPerSecond: framesPerSecondOf(rate),
    bufferKbit: bufferKbitOf(rung),
  }) !== null;

/**
 * A ladder made from an input: never larger than it, of its shape; its top as large as one encoder takes, and below
 * it halves, as far as they fit too. All rungs are always on air.
 * @param limitUnits encode units that the roomiest encoder may carry
 * @returns `whole`: the top rung has the input's size
 */
export const ladderFromPicture = (
  picture: PictureFormat,
  limitUnits: number,
): Ladder & { whole: boolean } => {
  const { rate } = picture;
  const tops = TOP_SCALES.map((scale) => ({ scale, rung: rungOf(picture, scale) }));
  const smallest = tops.at(-1)!;
  const top =
    tops.find(({ rung }) => canBeCoded(rung, rate) && renditionUnits(rung, rate) <= limitUnits) ?? smallest;
  const rungs = [top.rung];
  for (let scale = top.scale / 2; rungs.length < MOST_RUNGS; scale /= 2) {
    const rung = rungOf(picture, scale);
    if (Math.min(rung.widthPx, rung.heightPx) < SHORTEST_SIDE_PX) break;
    if (ladderUnits([...rungs, rung], rate) <= limitUnits) rungs.push(rung);
  }
  return { ...alwaysOnLadder(rungs.reverse()), whole: top.scale === 1 };
};
