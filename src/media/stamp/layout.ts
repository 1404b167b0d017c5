/**
 * Where the stamp stands in a picture: a band over the full width at the top, 32 columns x 4 rows of black
 * and white cells, given as fractions of the picture so that the stamp survives scaling.
 *
 * Columns 0, 1, 30 and 31 of every row are reference cells (a checkerboard): they show the reader what black
 * and white look like after encoding, and that a stamp is there at all. The 28 x 4 cells between them carry
 * 112 bits, row by row, most significant bit first, white = 1:
 *
 *   16 bits  hash of the channel id  (which channel it claims to be; names the fault when it is another one)
 *   32 bits  frame counter
 *   64 bits  truncated HMAC-SHA256 over channel id and counter
 */
export const COLUMNS = 32;
export const ROWS = 4;
const REFERENCE_COLUMNS_PER_SIDE = 2;
export const PAYLOAD_COLUMNS = COLUMNS - 2 * REFERENCE_COLUMNS_PER_SIDE;
export const PAYLOAD_BYTES = (PAYLOAD_COLUMNS * ROWS) / 8;
export const CHANNEL_HASH_BYTES = 2;
export const COUNTER_BYTES = 4;
export const MAC_BYTES = PAYLOAD_BYTES - CHANNEL_HASH_BYTES - COUNTER_BYTES;

/** Height of the band as a fraction of the picture's height: square cells in a 16:9 picture. */
export const BAND_HEIGHT_FRACTION = ROWS / 18;

/** Smallest picture that can carry a stamp: cells of 3 x 3 pixels. */
export const MIN_WIDTH_PX = COLUMNS * 3;
export const MIN_HEIGHT_PX = 18 * 3;

/** Luma of black and white in video range (ITU-R BT.601 and BT.709). */
export const BLACK = 16;
export const WHITE = 235;

export const isReferenceColumn = (column: number): boolean =>
  column < REFERENCE_COLUMNS_PER_SIDE || column >= COLUMNS - REFERENCE_COLUMNS_PER_SIDE;

export const referenceIsWhite = (row: number, column: number): boolean => (row + column) % 2 === 1;

/** Index of the payload bit that a cell carries. The cell is not a reference cell. */
export const payloadBitOf = (row: number, column: number): number =>
  row * PAYLOAD_COLUMNS + column - REFERENCE_COLUMNS_PER_SIDE;

/** Edge of cell `index` of `cells` over `lengthPx` pixels, rounded to a pixel. */
export const cellEdgePx = (index: number, cells: number, lengthPx: number): number =>
  Math.round((index * lengthPx) / cells);
