import { inputColour, type ColourSpace, type InputColour } from '../../domain';
import type { ProbedStream } from './probe';

type Coloured = Pick<
  ProbedStream,
  'widthPx' | 'heightPx' | 'pixelFormat' | 'transfer' | 'matrix' | 'isFullRange'
>;

const ofTransfer: Record<string, ColourSpace> = { smpte2084: 'pq', 'arib-std-b67': 'hlg' };
const ofMatrix: Record<string, ColourSpace> = {
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
  bt709: 'bt709',
  smpte170m: 'bt601-525',
  bt470bg: 'bt601-625',
};

/** Lines of the European standard picture, whole and of one field. */
const LINES_625 = [576, 288];
/** From this size on, a picture that does not say is BT.709, as players take it. */
const HD = { widthPx: 1280, heightPx: 720 };

/** It has no luma and colour differences yet: whoever encodes it chooses the matrix. */
export const isRgb = ({ pixelFormat }: Pick<Coloured, 'pixelFormat'>): boolean =>
  /^(rgb|bgr|gbr|argb|abgr|pal8|0rgb|0bgr)/.test(pixelFormat);

/** @param isEncoded the source encodes it: RGB becomes BT.709, and all of it limited range */
export const colourOf = (s: Coloured, isEncoded: boolean): InputColour => {
  if (isRgb(s)) return inputColour('bt709', false);
  return inputColour(
    ofTransfer[s.transfer] ?? ofMatrix[s.matrix] ?? usualFor(s),
    s.isFullRange && !isEncoded,
  );
};

const usualFor = ({ widthPx, heightPx }: Coloured): ColourSpace => {
  if (widthPx >= HD.widthPx || heightPx >= HD.heightPx) return 'bt709';
  return LINES_625.includes(heightPx) ? 'bt601-625' : 'bt601-525';
};
