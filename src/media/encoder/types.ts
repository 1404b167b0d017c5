/** One rendition of one GOP: a self-contained MPEG-TS segment whose PTS are channel time modulo 2^33. */
export interface EncodedSegment {
  name: string;
  segment: Buffer;
}

/** A GOP complete in every rendition, in the order of the session's ladder. */
export interface EncodedGop {
  gop: number;
  segments: EncodedSegment[];
}
