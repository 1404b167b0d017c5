import { BitReader, readVideoRange, withoutEmulationPrevention, type SequenceParameters } from './h264-sps';

const PROFILE_SPACES = ['', 'A', 'B', 'C'];

const reversed32 = (value: number): number => {
  let result = 0;
  for (let bit = 0; bit < 32; bit++) result = result * 2 + (Math.floor(value / 2 ** bit) & 1);
  return result;
};

/** CODECS value of ISO/IEC 14496-15, E.3, from profile_tier_level (ITU-T H.265, 7.3.3) as far as the general level. */
const readCodec = (reader: BitReader): string => {
  const space = PROFILE_SPACES[reader.bits(2)]!;
  const tier = reader.bits(1) === 1 ? 'H' : 'L';
  const profile = reader.bits(5);
  const compatible = reversed32(reader.bits(32)).toString(16).toUpperCase();
  const constraints = Array.from({ length: 6 }, () => reader.bits(8));
  const level = reader.bits(8);
  while (constraints.at(-1) === 0) constraints.pop();
  const named = constraints.map((byte) => byte.toString(16).toUpperCase());
  return [`hvc1.${space}${profile}`, compatible, `${tier}${level}`, ...named].join('.');
};

/** The rest of profile_tier_level: what it says of each sub-layer. */
const skipSubLayers = (reader: BitReader, subLayers: number): void => {
  if (subLayers === 0) return;
  const present = Array.from({ length: 8 }, () => [reader.bits(1), reader.bits(1)]);
  for (const [profile, level] of present.slice(0, subLayers)) {
    if (profile === 1) for (let byte = 0; byte < 11; byte++) reader.bits(8);
    if (level === 1) reader.bits(8);
  }
};

const SCALING_LIST_SIZES = [16, 64, 64, 64];

/** scaling_list_data (7.3.4). */
const skipScalingLists = (reader: BitReader): void => {
  for (const [sizeId, coefficients] of SCALING_LIST_SIZES.entries()) {
    for (let matrix = 0; matrix < 6; matrix += sizeId === 3 ? 3 : 1) {
      const isPredicted = reader.bits(1) === 0;
      if (isPredicted) reader.unsigned();
      else for (let left = coefficients + (sizeId > 1 ? 1 : 0); left > 0; left--) reader.signed();
    }
  }
};

/** The short-term reference picture sets (7.3.7), of which each may be told by the one before it. */
const skipReferenceSets = (reader: BitReader): void => {
  const count = reader.unsigned();
  let pictures = 0;
  for (let set = 0; set < count; set++) {
    if (set > 0 && reader.bits(1) === 1) {
      reader.bits(1); // delta_rps_sign
      reader.unsigned();
      let kept = 0;
      // used_by_curr_pic_flag, else use_delta_flag
      for (let i = 0; i <= pictures; i++) kept += reader.bits(1) === 1 || reader.bits(1) === 1 ? 1 : 0;
      pictures = kept;
      continue;
    }
    pictures = reader.unsigned() + reader.unsigned();
    for (let i = 0; i < pictures; i++) {
      reader.unsigned();
      reader.bits(1);
    }
  }
};

/** Skips what stands between the conformance window and vui_parameters_present_flag. */
const upToUsability = (reader: BitReader, subLayers: number): BitReader => {
  reader.unsigned(); // bit_depth_luma_minus8
  reader.unsigned(); // bit_depth_chroma_minus8
  const orderCountBits = reader.unsigned() + 4;
  const first = reader.bits(1) === 1 ? 0 : subLayers;
  for (let i = first; i <= subLayers; i++) for (let j = 0; j < 3; j++) reader.unsigned();
  for (let i = 0; i < 6; i++) reader.unsigned(); // sizes of coding and transform blocks
  if (reader.bits(1) === 1 && reader.bits(1) === 1) skipScalingLists(reader);
  reader.bits(2); // amp_enabled_flag, sample_adaptive_offset_enabled_flag
  if (reader.bits(1) === 1) {
    reader.bits(8); // bit depths of PCM samples
    reader.unsigned();
    reader.unsigned();
    reader.bits(1);
  }
  skipReferenceSets(reader);
  if (reader.bits(1) === 1) {
    for (let left = reader.unsigned(); left > 0; left--) reader.bits(orderCountBits + 1);
  }
  reader.bits(2); // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
  return reader;
};

/**
 * Reads a sequence parameter set of HEVC (ITU-T H.265, 7.3.2.2.1).
 * @param nal the NAL unit with its header of two bytes, without start code
 * @throws RangeError if it is cut short
 */
export const parseHevcSequenceParameters = (nal: Buffer): SequenceParameters => {
  const reader = new BitReader(withoutEmulationPrevention(nal).subarray(2));
  reader.bits(4); // sps_video_parameter_set_id
  const subLayers = reader.bits(3);
  reader.bits(1); // sps_temporal_id_nesting_flag
  const codec = readCodec(reader);
  skipSubLayers(reader, subLayers);
  reader.unsigned(); // sps_seq_parameter_set_id
  const chromaFormat = reader.unsigned();
  if (chromaFormat === 3) reader.bits(1);
  const width = reader.unsigned();
  const height = reader.unsigned();
  const cropped = reader.bits(1) === 1;
  const [left, right, top, bottom] = cropped
    ? [reader.unsigned(), reader.unsigned(), reader.unsigned(), reader.unsigned()]
    : [0, 0, 0, 0];
  // Crop units of table 6-1: chroma formats 1 and 2 halve the width, 1 the height.
  const cropWidth = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const cropHeight = chromaFormat === 1 ? 2 : 1;
  return {
    codec,
    widthPx: width - cropWidth * (left + right),
    heightPx: height - cropHeight * (top + bottom),
    ...readVideoRange(() => upToUsability(reader, subLayers)),
  };
};
