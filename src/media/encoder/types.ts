import type { Rendition } from '../../domain';

/** What to encode, from where, and where to publish it. */
export interface PrepareSession {
  sessionId: string;
  channelId: string;
  /** Relay: GET feedUrl?from_gop=N (docs/reference/protocols/relay.md). */
  feedUrl: string;
  /** Origin: PUT originUrl/channels/:id/gops/:g. */
  originUrl: string;
  gopDurationTicks: number;
  framesPerSecond: number;
  renditions: Rendition[];
  /** First GOP to encode; it warms the rate control, and is held like all others. */
  fromGop: number;
}

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
