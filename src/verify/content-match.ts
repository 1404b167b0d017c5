import { frameAt, isTimeOf, type FrameClock } from './frame-clock';
import type { ShownFrame } from './judge';

/** A picture made small: THUMBNAIL_WIDTH_PX x THUMBNAIL_HEIGHT_PX bytes of luma, row by row. */
export interface Thumbnail {
  /** On channel time, unwrapped, 1/90000 s. */
  ptsTicks: number;
  luma: Uint8Array;
}

export const THUMBNAIL_WIDTH_PX = 96;
export const THUMBNAIL_HEIGHT_PX = 54;

/** Pictures on either side that each one is told from. */
const NEIGHBOURS = 3;
/** Pictures that differ by less, in mean squares of luma steps, look the same: an encoder may leave such a change out. */
const LEAST_DIFFERENCE = 0.25;
/**
 * A picture shows another one than it should if it is so many times nearer to that, in mean squares. Nearer alone does not
 * do: an encoder that is short of bits lags behind what moves.
 */
const NEARER_FACTOR = 3;
/** A picture this far from what it should be, in mean squares, and so many times as far as usual, shows something else. */
const FOREIGN_DIFFERENCE = 64;
const FOREIGN_FACTOR = 16;

export interface ContentMatch {
  shown: ShownFrame[];
  /** Pictures that were compared: the contribution of their time was there. */
  compared: number;
  /** Of these, the ones that can't be told from any neighbour through what the encoder changed: their times alone do. */
  alike: number;
}

/**
 * Finds for each published picture the one of the contribution that it shows, by what is in it: the nearest in the sense
 * of least squares, which is the likeliest where encoding adds noise. So a frozen, repeated, exchanged or foreign picture
 * is found though its time is right. A change of brightness or contrast by the encoder is allowed for: one gain and one
 * offset are fitted over all pictures.
 * @param sent the contribution, in any order; where two have one place in the clock, the later in the list counts
 */
export const matchByContent = (
  published: readonly Thumbnail[],
  sent: readonly Thumbnail[],
  clock: FrameClock,
): ContentMatch => {
  const contribution = new Map(sent.map(({ ptsTicks, luma }) => [frameAt(ptsTicks, clock), luma]));
  const { gain, offset } = brightnessOf(published, contribution, clock);
  const match: ContentMatch = { shown: [], compared: 0, alike: 0 };
  const candidates = published.map(({ ptsTicks, luma }) => {
    const place = frameAt(ptsTicks, clock);
    const right = contribution.get(place);
    const levelled = Float32Array.from(luma, (value) => (value - offset) / gain);
    return { ptsTicks, place, right, levelled, distance: right ? distance2(levelled, right) : null };
  });
  const usual = median(candidates.flatMap((c) => c.distance ?? []));
  const tellable = LEAST_DIFFERENCE + (NEARER_FACTOR - 1) * usual;
  const foreignFrom = Math.max(FOREIGN_DIFFERENCE, FOREIGN_FACTOR * usual);

  for (const { ptsTicks, place, right, levelled, distance } of candidates) {
    const onTime = isTimeOf(place, ptsTicks, clock);
    if (!right || distance === null || !onTime) {
      match.shown.push(
        onTime
          ? { counter: place, place }
          : { counter: null, place, fault: 'time stamp off the frame clock' },
      );
      continue;
    }
    match.compared++;
    // Near the usual distance only a neighbour can be meant; far from it, any picture can.
    const reach = distance > 2 * usual + LEAST_DIFFERENCE ? 2 * clock.framesPerGop : NEIGHBOURS;
    let best = { frame: place, distance };
    let differs = false;
    for (let frame = place - reach; frame <= place + reach; frame++) {
      const other = frame === place ? undefined : contribution.get(frame);
      if (!other) continue;
      if (Math.abs(frame - place) <= NEIGHBOURS && distance2(other, right) >= tellable) differs = true;
      const d = distance2(levelled, other);
      if (d < best.distance) best = { frame, distance: d };
    }
    if (!differs) match.alike++;
    if (best.distance > foreignFrom)
      match.shown.push({ counter: null, place, fault: 'not a picture of the contribution' });
    else if (best.frame === place || distance < LEAST_DIFFERENCE + NEARER_FACTOR * best.distance)
      match.shown.push({ counter: place, place });
    else match.shown.push({ counter: best.frame, place, fault: "shown at another frame's time" });
  }
  return match;
};

type Luma = Uint8Array | Float32Array;

/** Mean of the squared differences. */
const distance2 = (a: Luma, b: Luma): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return sum / a.length;
};

/** Least squares of published = gain x sent + offset; none where the two have little in common. */
const brightnessOf = (
  published: readonly Thumbnail[],
  contribution: ReadonlyMap<number, Uint8Array>,
  clock: FrameClock,
): { gain: number; offset: number } => {
  let [n, sx, sy, sxx, sxy, syy] = [0, 0, 0, 0, 0, 0];
  for (const { ptsTicks, luma } of published) {
    const right = contribution.get(frameAt(ptsTicks, clock));
    if (!right) continue;
    for (let i = 0; i < luma.length; i++) {
      const [x, y] = [right[i]!, luma[i]!];
      n += 1;
      sx += x;
      sy += y;
      sxx += x * x;
      sxy += x * y;
      syy += y * y;
    }
  }
  const [varX, varY, cov] = [n * sxx - sx * sx, n * syy - sy * sy, n * sxy - sx * sy];
  const correlated = varX > 0 && varY > 0 && cov > 0 && (cov * cov) / (varX * varY) > 0.25;
  if (!correlated) return { gain: 1, offset: 0 };
  const gain = cov / varX;
  return { gain, offset: (sy - gain * sx) / n };
};

const median = (values: readonly number[]): number =>
  values.length === 0 ? 0 : [...values].sort((a, b) => a - b)[values.length >> 1]!;
