/** What is told of a sequence parameter set, be it of H.264 (ITU-T H.264, 7.3.2.1.1) or HEVC. */
export interface SequenceParameters {
  /** CODECS value of RFC 6381: `avc1.` with profile, constraints and level in hex; `hvc1.` with those of HEVC. */
  codec: string;
  widthPx: number;
  heightPx: number;
  /** High dynamic range, as VIDEO-RANGE of HLS names it; absent: standard, or not said. */
  videoRange?: HighRange;
}

export type HighRange = 'PQ' | 'HLG';

/** profile_idc values whose sequence parameter sets carry the chroma format (7.3.2.1.1). */
const PROFILES_WITH_CHROMA_FORMAT = new Set([44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244]);

/** The payload without its emulation prevention bytes: 00 00 03 stands for 00 00 (7.3.1). */
export const withoutEmulationPrevention = (nal: Buffer): Buffer => {
  const kept: number[] = [];
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    kept.push(byte);
  }
  return Buffer.from(kept);
};

/** Reads the bits of a parameter set, most significant first (7.2). */
export class BitReader {
  private position = 0;
  constructor(private readonly bytes: Buffer) {}

  /** u(n). @throws RangeError past the end. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.bytes[this.position >> 3];
      if (byte === undefined) throw new RangeError('The parameter set ends too early.');
      value = value * 2 + ((byte >> (7 - (this.position & 7))) & 1);
      this.position += 1;
    }
    return value;
  }

  /** ue(v), Exp-Golomb (9.1). */
  unsigned(): number {
    let zeros = 0;
    while (this.bits(1) === 0) if (++zeros > 31) throw new RangeError('Not an Exp-Golomb code.');
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v) (9.1.1). */
  signed(): number {
    const k = this.unsigned();
    return k % 2 === 1 ? (k + 1) / 2 : -k / 2;
  }
}

const skipScalingList = (reader: BitReader, size: number): void => {
  let next = 8;
  for (let i = 0, last = 8; i < size && next !== 0; i++) {
    next = (last + reader.signed() + 256) % 256;
    if (next !== 0) last = next;
  }
};

/** Reads the chroma format and skips what follows it, up to log2_max_frame_num_minus4. */
const readChromaFormat = (reader: BitReader): number => {
  const chromaFormat = reader.unsigned();
  if (chromaFormat === 3) reader.bits(1);
  reader.unsigned(); // bit_depth_luma_minus8
  reader.unsigned(); // bit_depth_chroma_minus8
  reader.bits(1); // qpprime_y_zero_transform_bypass_flag
  if (reader.bits(1) === 1) {
    const lists = chromaFormat === 3 ? 12 : 8;
    for (let i = 0; i < lists; i++) if (reader.bits(1) === 1) skipScalingList(reader, i < 6 ? 16 : 64);
  }
  return chromaFormat;
};

const skipPictureOrder = (reader: BitReader): void => {
  const type = reader.unsigned();
  if (type === 0) reader.unsigned();
  if (type !== 1) return;
  reader.bits(1);
  reader.signed();
  reader.signed();
  for (let left = reader.unsigned(); left > 0; left--) reader.signed();
};

/**
 * Reads a sequence parameter set.
 * @param nal the NAL unit with its header byte, without start code
 * @throws RangeError if it is cut short or not one
 */
export const parseSequenceParameters = (nal: Buffer): SequenceParameters => {
  const { parameters, reader } = readUpToUsability(nal);
  return { ...parameters, ...readVideoRange(() => reader) };
};

const EXTENDED_SAR = 255;
/** transfer_characteristics, ITU-T H.273 table 3. */
const RANGE_BY_TRANSFER = new Map<number, HighRange>([
  [16, 'PQ'],
  [18, 'HLG'],
]);

/**
 * What the video usability information says of the range; it begins alike in H.264 (E.1.1) and HEVC (E.2.1). A parameter
 * set that is cut short from here on says nothing.
 * @param readerAt gives a reader that stands at vui_parameters_present_flag
 */
export const readVideoRange = (readerAt: () => BitReader): Pick<SequenceParameters, 'videoRange'> => {
  try {
    const reader = readerAt();
    const flag = (): boolean => reader.bits(1) === 1;
    if (!flag()) return {};
    if (flag() && reader.bits(8) === EXTENDED_SAR) reader.bits(32);
    if (flag()) reader.bits(1); // overscan_appropriate_flag
    if (!flag()) return {};
    reader.bits(4); // video_format, video_full_range_flag
    if (!flag()) return {};
    reader.bits(8); // colour_primaries
    const videoRange = RANGE_BY_TRANSFER.get(reader.bits(8));
    return videoRange === undefined ? {} : { videoRange };
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
};

/** The same, with a reader that stands at vui_parameters_present_flag. */
export const readUpToUsability = (nal: Buffer): { parameters: SequenceParameters; reader: BitReader } => {
  const bytes = withoutEmulationPrevention(nal);
  if (bytes.length < 5) throw new RangeError('The parameter set ends too early.');
  const reader = new BitReader(bytes.subarray(4));
  reader.unsigned(); // seq_parameter_set_id
  const chromaFormat = PROFILES_WITH_CHROMA_FORMAT.has(bytes[1]!) ? readChromaFormat(reader) : 1;
  reader.unsigned(); // log2_max_frame_num_minus4
  skipPictureOrder(reader);
  reader.unsigned(); // max_num_ref_frames
  reader.bits(1); // gaps_in_frame_num_value_allowed_flag
  const widthInMacroblocks = reader.unsigned() + 1;
  const heightInMapUnits = reader.unsigned() + 1;
  const framesOnly = reader.bits(1);
  if (framesOnly === 0) reader.bits(1);
  reader.bits(1); // direct_8x8_inference_flag
  const cropped = reader.bits(1) === 1;
  const [left, right, top, bottom] = cropped
    ? [reader.unsigned(), reader.unsigned(), reader.unsigned(), reader.unsigned()]
    : [0, 0, 0, 0];
  // Crop units of table 6-1: chroma formats 1 and 2 halve the width, 1 the height; fields halve it again.
  const cropWidth = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const cropHeight = (chromaFormat === 1 ? 2 : 1) * (2 - framesOnly);
  const parameters: SequenceParameters = {
    codec: `avc1.${bytes.toString('hex', 1, 4)}`,
    widthPx: widthInMacroblocks * 16 - cropWidth * (left + right),
    heightPx: heightInMapUnits * 16 * (2 - framesOnly) - cropHeight * (top + bottom),
  };
  return { parameters, reader };
};
