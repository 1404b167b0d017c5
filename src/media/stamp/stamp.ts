import { SwarmError } from '../../domain';
import {
  BAND_HEIGHT_FRACTION,
  BLACK,
  COLUMNS,
  MIN_HEIGHT_PX,
  MIN_WIDTH_PX,
  PAYLOAD_BYTES,
  ROWS,
  WHITE,
  cellEdgePx,
  isReferenceColumn,
  payloadBitOf,
  referenceIsWhite,
} from './layout';
import { MAX_FRAME, decodePayload, encodePayload, type StampReading } from './payload';

/** Least difference between white and black reference cells, in luma steps of 219. */
const MIN_CONTRAST = 60;

/** Rows of pixels, from the top, that hold the stamp of a picture of this height. */
export const stampBandHeightPx = (heightPx: number): number =>
  cellEdgePx(ROWS, ROWS, heightPx * BAND_HEIGHT_FRACTION);

/**
 * Burns the stamp into a luma plane (`widthPx` bytes a row, no padding), over what is there.
 * @throws SwarmError bad-request for a picture under 96x54 or a counter that is not in [0, 2^32).
 */
export const drawStamp = (
  luma: Uint8Array,
  widthPx: number,
  heightPx: number,
  key: Buffer,
  channelId: string,
  frame: number,
): void => {
  if (widthPx < MIN_WIDTH_PX || heightPx < MIN_HEIGHT_PX) {
    throw new SwarmError(
      'bad-request',
      `A stamp does not fit into ${widthPx}x${heightPx}.`,
      `Use at least ${MIN_WIDTH_PX}x${MIN_HEIGHT_PX}.`,
    );
  }
  if (!Number.isInteger(frame) || frame < 0 || frame > MAX_FRAME) {
    throw new SwarmError('bad-request', `Frame counter ${frame} is not an integer in [0, ${MAX_FRAME}].`);
  }
  const payload = encodePayload(key, channelId, frame);
  const bandPx = heightPx * BAND_HEIGHT_FRACTION;
  for (let row = 0; row < ROWS; row++) {
    const top = cellEdgePx(row, ROWS, bandPx);
    const bottom = cellEdgePx(row + 1, ROWS, bandPx);
    const start = top * widthPx;
    for (let column = 0; column < COLUMNS; column++) {
      let white: boolean;
      if (isReferenceColumn(column)) white = referenceIsWhite(row, column);
      else {
        const bit = payloadBitOf(row, column);
        white = ((payload[bit >> 3]! >> (7 - (bit & 7))) & 1) === 1;
      }
      luma.fill(
        white ? WHITE : BLACK,
        start + cellEdgePx(column, COLUMNS, widthPx),
        start + cellEdgePx(column + 1, COLUMNS, widthPx),
      );
    }
    for (let y = top + 1; y < bottom; y++) luma.copyWithin(y * widthPx, start, start + widthPx);
  }
};

/** Offsets of the pixels to sample, `perCell` for each cell, row by row. */
interface SamplingPlan {
  offsets: Int32Array;
  perCell: number;
}

/** Pixels whose centre lies in the middle half of a cell, at most 4 of them, evenly spread. */
const samplesInCell = (index: number, cellPx: number): number[] => {
  const first = Math.ceil((index + 0.25) * cellPx - 0.5);
  const last = Math.floor((index + 0.75) * cellPx - 0.5);
  if (last < first) return [Math.floor((index + 0.5) * cellPx)];
  const count = Math.min(4, last - first + 1);
  if (count === 1) return [first];
  return Array.from({ length: count }, (_, i) => Math.round(first + (i * (last - first)) / (count - 1)));
};

const plans = new Map<string, SamplingPlan>();

const samplingPlan = (widthPx: number, heightPx: number): SamplingPlan => {
  const size = `${widthPx}x${heightPx}`;
  let plan = plans.get(size);
  if (plan) return plan;
  const columns = Array.from({ length: COLUMNS }, (_, c) => samplesInCell(c, widthPx / COLUMNS));
  const rows = Array.from({ length: ROWS }, (_, r) =>
    samplesInCell(r, (heightPx * BAND_HEIGHT_FRACTION) / ROWS),
  );
  // Cells of one picture may differ by a pixel: take as many samples from each as the smallest one has.
  const across = Math.min(...columns.map((xs) => xs.length));
  const down = Math.min(...rows.map((ys) => ys.length));
  const offsets = rows.flatMap((ys) =>
    columns.flatMap((xs) =>
      ys.slice(0, down).flatMap((y) => xs.slice(0, across).map((x) => y * widthPx + x)),
    ),
  );
  plan = { offsets: Int32Array.from(offsets), perCell: across * down };
  plans.set(size, plan);
  return plan;
};

const cellSums = new Int32Array(COLUMNS * ROWS);

/**
 * Reads and checks the stamp of a picture. `luma` holds at least the first `stampBandHeightPx(heightPx)` rows
 * of the luma plane, `widthPx` bytes each; `heightPx` is the height of the whole picture.
 */
export const readStamp = (
  luma: Uint8Array,
  widthPx: number,
  heightPx: number,
  key: Buffer,
  channelId: string,
): StampReading => {
  if (widthPx < COLUMNS || heightPx * BAND_HEIGHT_FRACTION < ROWS) {
    return { ok: false, reason: 'picture too small for a stamp' };
  }
  const { offsets, perCell } = samplingPlan(widthPx, heightPx);
  for (let cell = 0, at = 0; cell < cellSums.length; cell++) {
    let sum = 0;
    for (let i = 0; i < perCell; i++) sum += luma[offsets[at++]!]!;
    cellSums[cell] = sum;
  }

  let whiteSum = 0;
  let blackSum = 0;
  let whiteLowest = Infinity;
  let blackHighest = -Infinity;
  let references = 0;
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      if (!isReferenceColumn(column)) continue;
      const sum = cellSums[row * COLUMNS + column]!;
      references++;
      if (referenceIsWhite(row, column)) {
        whiteSum += sum;
        whiteLowest = Math.min(whiteLowest, sum);
      } else {
        blackSum += sum;
        blackHighest = Math.max(blackHighest, sum);
      }
    }
  }
  const whiteMean = whiteSum / (references / 2);
  const blackMean = blackSum / (references / 2);
  const threshold = (whiteMean + blackMean) / 2;
  const referencesClear =
    whiteMean - blackMean >= MIN_CONTRAST * perCell && whiteLowest > threshold && blackHighest < threshold;
  if (!referencesClear) return { ok: false, reason: 'no readable stamp' };

  const payload = Buffer.alloc(PAYLOAD_BYTES);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      if (isReferenceColumn(column) || cellSums[row * COLUMNS + column]! <= threshold) continue;
      const bit = payloadBitOf(row, column);
      payload[bit >> 3]! |= 1 << (7 - (bit & 7));
    }
  }
  return decodePayload(payload, key, channelId);
};
