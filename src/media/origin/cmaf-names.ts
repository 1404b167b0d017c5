import { z } from 'zod';
import type { TrackOfGop } from '../packaging';
import type { Piece } from './gop-cuts';
import { wholeNumberSchema, type LedgerRecord } from './records';
import { periodOf } from './timeline';

/** Names below `/cmaf/:id/`: folders are tracks, files are named by their time, so that HLS and DASH name them alike. */

/** A rendition's pictures by its name, or a track of sound. */
export type CmafTrack = { rendition: string } | { sound: number };

export const soundName = (track: number): string => `sound-${track}`;

/** Names of renditions have no hyphen. */
export const trackSchema = z
  .string()
  .regex(/^(?:sound-[1-9]\d{0,2}|[a-z0-9]{1,16})$/, 'use the name of a rendition, or sound-NUMBER')
  .transform((name): CmafTrack => {
    const sound = /^sound-(\d+)$/.exec(name);
    return sound ? { sound: Number(sound[1]) } : { rendition: name };
  });

export const trackName = (track: CmafTrack): string =>
  'sound' in track ? soundName(track.sound) : track.rendition;

export const packagedTrackOf = (track: CmafTrack): TrackOfGop => ('sound' in track ? track.sound : 'video');

/** A file of a track: the fragment that begins at a channel time, or the header of fragments with a configuration. */
export const fileSchema = z.union(
  [
    z
      .string()
      .regex(/^\d{1,16}\.m4s$/)
      .transform((name) => name.slice(0, -4))
      .pipe(wholeNumberSchema)
      .transform((startTicks) => ({ startTicks })),
    z
      .string()
      .regex(/^init-[0-9a-f]{16}\.mp4$/)
      .transform((name) => ({ configuration: name.slice(5, -4) })),
  ],
  'use TICKS.m4s or init-CONFIGURATION.mp4',
);

export const initName = (configuration: string): string => `init-${configuration}.mp4`;

interface OfChannel {
  gopDurationTicks: number;
}

/**
 * Names a stretch of a channel's life: no other life of the channel has one that began in the same millisecond. With it
 * in its URL a fragment can be kept for good.
 */
export const lifeOf = (record: LedgerRecord, { gopDurationTicks }: OfChannel): string =>
  periodOf(record, gopDurationTicks).startMs.toString(36);

export const fragmentName = ({ startTicks }: Piece): string => `${startTicks}.m4s`;

export const fragmentUri = (record: LedgerRecord, piece: Piece, channel: OfChannel): string =>
  `${fragmentName(piece)}?v=${lifeOf(record, channel)}`;
