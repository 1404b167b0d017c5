import { parseBuffer } from 'codem-isoboxer';

/** What an MP4 reader that is not ours says of a fragment of one track. */
export interface FragmentBoxes {
  /** Types of its boxes, as they come. */
  types: string[];
  sequenceNumber: number;
  trackId: number;
  /** In the track's own time scale. */
  decodeTime: number;
  durations: number[];
  /** Presentation minus decoding, of each sample. */
  offsets: number[];
  bytes: number;
}

const arrayOf = (bytes: Uint8Array): ArrayBuffer =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;

export const readFragment = (media: Uint8Array): FragmentBoxes => {
  const file = parseBuffer(arrayOf(media));
  const [header, time, run] = [file.fetch('tfhd'), file.fetch('tfdt'), file.fetch('trun')];
  const sizes = run.samples.map((s) => s.sample_size ?? header.default_sample_size);
  return {
    types: file.boxes.map(({ type }) => type),
    sequenceNumber: file.fetch('mfhd').sequence_number,
    trackId: header.track_ID,
    decodeTime: time.baseMediaDecodeTime,
    durations: run.samples.map((s) => s.sample_duration ?? header.default_sample_duration),
    offsets: run.samples.map((s) => s.sample_composition_time_offset ?? 0),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
};

/** Time scale and language of the one track of a header, and the name of its coding. */
export const readHeader = (init: Uint8Array): { timescale: number; language: string; coding: string } => {
  const file = parseBuffer(arrayOf(init));
  const { timescale, language } = file.fetch('mdhd');
  return { timescale, language, coding: file.fetch('stsd').entries[0]!.type };
};
