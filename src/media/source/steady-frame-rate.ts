/** A rate of pictures: as a fraction, as text (`25`, `30000/1001`) and as a number. */
export interface FrameRate {
  num: number;
  den: number;
  text: string;
  perSecond: number;
}

/** What ffprobe says of a stream's rate, as `num/den`; `0/0` if it does not know. */
export interface ProbedRates {
  /** The lowest rate that can express the times of the first pictures exactly: `r_frame_rate`. */
  baseRate: string;
  /** Pictures by time: `avg_frame_rate`. */
  averageRate: string;
}

/** Rates in use. What is measured is taken for one of these where it is that close. */
const standard: [number, number][] = [24, 25, 30, 48, 50, 60, 100, 120].flatMap(
  (whole): [number, number][] =>
    whole % 25 === 0
      ? [[whole, 1]]
      : [
          [whole, 1],
          [whole * 1000, 1001],
        ],
);
const CLOSE_TO_STANDARD = 0.0004;

/** A measured average counts as that of a steady picture when it is this close to the base rate. */
const STEADY_WITHIN = 0.01;
const HIGHEST_PER_SECOND = 120;

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

const rateOf = (num: number, den: number): FrameRate => {
  const common = divisor(num, den);
  const [n, d] = [num / common, den / common];
  return { num: n, den: d, text: d === 1 ? `${n}` : `${n}/${d}`, perSecond: n / d };
};

/** Of `25` or `30000/1001`; null if it is no rate. */
export const parseFrameRate = (text: string): FrameRate | null => {
  const [num = 0, den = 1] = text.split('/').map(Number);
  return num > 0 && den > 0 ? rateOf(num, den) : null;
};

const nearestStandard = ({ perSecond }: FrameRate): FrameRate | null => {
  const found = standard.find(([num, den]) => Math.abs((perSecond * den) / num - 1) < CLOSE_TO_STANDARD);
  return found ? rateOf(...found) : null;
};

/** The rate of a stream whose pictures come at a steady one; null if it is unknown or varies. */
export const steadyFrameRate = ({ baseRate, averageRate }: ProbedRates): FrameRate | null => {
  const base = parseFrameRate(baseRate);
  const average = parseFrameRate(averageRate);
  if (!base || !average) return null;
  const isNear = (a: number, b: number): boolean => Math.abs(a / b - 1) <= STEADY_WITHIN;
  // The base may count fields.
  const counted = isNear(average.perSecond, base.perSecond)
    ? base
    : isNear(2 * average.perSecond, base.perSecond)
      ? average
      : null;
  if (counted && counted.perSecond <= HIGHEST_PER_SECOND) return nearestStandard(counted) ?? counted;
  // The base may be the clock of the container.
  return base.perSecond > HIGHEST_PER_SECOND ? nearestStandard(average) : null;
};
