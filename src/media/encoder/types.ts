/** One rendition of one GOP: a self-contained MPEG-TS segment whose PTS are channel time modulo 2^33. */
export interface EncodedSegment {
  name: string;
  segment: Buffer;
  /** 2 or 3: it holds every second or third picture of the GOP; absent: all. See picturesKept. */
  frameRateDivisor?: number;
}

/** A GOP complete in every rendition, in the order of the session's ladder. */
export interface EncodedGop {
  gop: number;
  segments: EncodedSegment[];
}

/** A stretch of a GOP that is still being encoded, in every rendition: bytes of the segments to come. */
export interface PartialGop extends EncodedGop {
  /** Channel time of the picture that follows. */
  untilTicks: number;
  /** The encode that it comes from. */
  run: string;
}
