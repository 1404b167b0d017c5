import { readUpToUsability, type BitReader } from '../origin/h264-sps';

/** What the video usability information of a sequence parameter set says (ITU-T H.264, annex E.1.1). */
export interface VideoUsability {
  /** colour_primaries/transfer_characteristics/matrix_coefficients, `full` or `limited`; `unspecified`. */
  colour: string;
  /** Sample aspect ratio as width:height; `unspecified`. */
  sampleAspect: string;
  /** num_units_in_tick/time_scale with `fixed` or `variable`; `unspecified`. Two ticks are a frame. */
  timing: string;
  /** Frames that a decoder must hold back for reordering; null where it is not said. */
  reorderFrames: number | null;
}

const EXTENDED_SAR = 255;
const UNSPECIFIED = 'unspecified';

const skipHypotheticalDecoder = (reader: BitReader): void => {
  const count = reader.unsigned() + 1;
  reader.bits(8); // bit_rate_scale, cpb_size_scale
  for (let i = 0; i < count; i++) {
    reader.unsigned();
    reader.unsigned();
    reader.bits(1);
  }
  reader.bits(20); // four lengths of 5 bits
};

const readColour = (reader: BitReader): string => {
  reader.bits(3); // video_format
  const range = reader.bits(1) === 1 ? 'full' : 'limited';
  const description =
    reader.bits(1) === 1 ? [reader.bits(8), reader.bits(8), reader.bits(8)].join('/') : '2/2/2';
  return `${description} ${range}`;
};

/**
 * @param sps the NAL unit with its header byte, without start code
 * @throws RangeError if it is cut short
 */
export const readVideoUsability = (sps: Buffer): VideoUsability => {
  const { reader } = readUpToUsability(sps);
  const flag = (): boolean => reader.bits(1) === 1;
  const found: VideoUsability = {
    colour: UNSPECIFIED,
    sampleAspect: UNSPECIFIED,
    timing: UNSPECIFIED,
    reorderFrames: null,
  };
  if (!flag()) return found;
  if (flag()) {
    const ratio = reader.bits(8);
    found.sampleAspect = ratio === EXTENDED_SAR ? `${reader.bits(16)}:${reader.bits(16)}` : `idc ${ratio}`;
  }
  if (flag()) reader.bits(1); // overscan
  if (flag()) found.colour = readColour(reader);
  if (flag()) {
    reader.unsigned(); // chroma sample location
    reader.unsigned();
  }
  if (flag()) found.timing = `${reader.bits(32)}/${reader.bits(32)} ${flag() ? 'fixed' : 'variable'}`;
  const hasNal = flag();
  if (hasNal) skipHypotheticalDecoder(reader);
  const hasVcl = flag();
  if (hasVcl) skipHypotheticalDecoder(reader);
  if (hasNal || hasVcl) reader.bits(1); // low_delay_hrd_flag
  reader.bits(1); // pic_struct_present_flag
  if (flag()) {
    reader.bits(1); // motion_vectors_over_pic_boundaries_flag
    for (let i = 0; i < 4; i++) reader.unsigned();
    found.reorderFrames = reader.unsigned();
  }
  return found;
};
