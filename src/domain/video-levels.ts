import type { CodecFamily } from './codec';

interface Level {
  number: number;
  /** Of what a picture and a second may hold: macroblocks of H.264, luma samples of HEVC. */
  frame: number;
  second: number;
  kbps: number;
  bufferKbit: number;
  /** Chosen where a rendition names none. */
  automatic: boolean;
}

const level = (
  number: number,
  [frame, second]: [number, number],
  [kbps, bufferKbit]: [number, number],
  automatic = true,
): Level => ({ number, frame, second, kbps, bufferKbit, automatic });

/** Limits of Baseline and Main: ITU-T H.264, table A-1. High 10 may have more bits, which is not made use of. */
const AVC_LEVELS: readonly Level[] = [
  level(3, [1_620, 40_500], [10_000, 10_000]),
  level(3.1, [3_600, 108_000], [14_000, 14_000]),
  level(3.2, [5_120, 216_000], [20_000, 20_000], false),
  level(4, [8_192, 245_760], [20_000, 25_000]),
  level(4.1, [8_192, 245_760], [50_000, 62_500], false),
  level(4.2, [8_704, 522_240], [50_000, 62_500]),
  level(5, [22_080, 589_824], [135_000, 135_000], false),
  level(5.1, [36_864, 983_040], [240_000, 240_000]),
  level(5.2, [36_864, 2_073_600], [240_000, 240_000]),
];

/** Limits of the Main tier: ITU-T H.265, tables A.8 and A.9. */
const HEVC_LEVELS: readonly Level[] = [
  level(3, [552_960, 16_588_800], [6_000, 6_000]),
  level(3.1, [983_040, 33_177_600], [10_000, 10_000]),
  level(4, [2_228_224, 66_846_720], [12_000, 12_000]),
  level(4.1, [2_228_224, 133_693_440], [20_000, 20_000]),
  level(5, [8_912_896, 267_386_880], [25_000, 25_000]),
  level(5.1, [8_912_896, 534_773_760], [40_000, 40_000]),
  level(5.2, [8_912_896, 1_069_547_520], [60_000, 60_000]),
  level(6, [35_651_584, 1_069_547_520], [60_000, 60_000]),
  level(6.1, [35_651_584, 2_139_095_040], [120_000, 120_000]),
  level(6.2, [35_651_584, 4_278_190_080], [240_000, 240_000]),
];

const LEVELS: Readonly<Record<CodecFamily, readonly Level[]>> = { h264: AVC_LEVELS, hevc: HEVC_LEVELS };

export const levelNumbersOf = (family: CodecFamily): number[] => LEVELS[family].map(({ number }) => number);

/** Of all families. */
export const LEVEL_NUMBERS = [...new Set([...AVC_LEVELS, ...HEVC_LEVELS].map(({ number }) => number))].sort(
  (a, b) => a - b,
);

export interface LevelNeeds {
  widthPx: number;
  heightPx: number;
  framesPerSecond: number;
  maxBitrateKbps: number;
  bufferKbit: number;
}

const isWithin = (l: Level, family: CodecFamily, needs: LevelNeeds): boolean => {
  const { widthPx, heightPx } = needs;
  const picture = family === 'h264' ? Math.ceil(widthPx / 16) * Math.ceil(heightPx / 16) : widthPx * heightPx;
  // A.4.1 of H.265: no side longer than a picture of that shape may be.
  const longest = family === 'h264' ? Infinity : Math.sqrt(8 * l.frame);
  return (
    picture <= l.frame &&
    Math.max(widthPx, heightPx) <= longest &&
    picture * needs.framesPerSecond <= l.second &&
    needs.maxBitrateKbps <= l.kbps &&
    needs.bufferKbit <= l.bufferKbit
  );
};

/**
 * The lowest level that a rendition fits in, from 3 up. Encoder builds choose different levels by themselves, so it is
 * pinned: equal sequence parameter sets let a player go on across a change of encoder.
 * @returns null when it is beyond the highest
 */
export const lowestLevel = (family: CodecFamily, needs: LevelNeeds): number | null =>
  LEVELS[family].find((l) => l.automatic && isWithin(l, family, needs))?.number ?? null;

/** Whether a rendition fits in a level. */
export const fitsLevel = (family: CodecFamily, number: number, needs: LevelNeeds): boolean =>
  LEVELS[family].some((l) => l.number === number && isWithin(l, family, needs));
