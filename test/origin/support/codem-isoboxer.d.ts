declare module 'codem-isoboxer' {
  interface Sample {
    sample_duration?: number;
    sample_size?: number;
    sample_composition_time_offset?: number;
  }
  interface Boxes {
    tfhd: {
      track_ID: number;
      default_sample_duration: number;
      default_sample_size: number;
    };
    mfhd: { sequence_number: number };
    tfdt: { baseMediaDecodeTime: number };
    trun: { samples: Sample[] };
    mdhd: { timescale: number; language: string };
    stsd: { entries: { type: string }[] };
  }
  interface IsoFile {
    boxes: { type: string }[];
    fetch<T extends keyof Boxes>(type: T): Boxes[T];
  }
  export function parseBuffer(buffer: ArrayBuffer): IsoFile;
}
