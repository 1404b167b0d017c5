import { parseFrameRate, type FrameRate } from './frame-rate';

/** Size and rate of a picture. */
export interface PictureFormat {
  /** As it is shown: square pixels, upright. */
  widthPx: number;
  heightPx: number;
  rate: FrameRate;
}

const FORMAT = /^(\d{1,5})x(\d{1,5})@(\d+(?:\/\d+)?)$/;

/** Reads `1280x720@25` or `1280x720@30000/1001`. @returns null for a text that is no format, or names no rate that a channel can have */
export const parsePictureFormat = (text: string): PictureFormat | null => {
  const [, width, height, rateText = ''] = FORMAT.exec(text) ?? [];
  const rate = parseFrameRate(rateText);
  return width && height && rate !== null ? { widthPx: Number(width), heightPx: Number(height), rate } : null;
};
