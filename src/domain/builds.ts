import { z } from 'zod';
import { idSchema } from './channel';

/** Hex SHA-256. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'use 64 hex digits');

/** Folders from which builds may be run, where SWARM_BUILD_DIRS names no others. */
export const DEFAULT_BUILD_DIRS = '/usr/bin:/usr/lib:/usr/local:/opt';
/** Packages that builds may come from, where SWARM_BUILD_PACKAGES names no others. */
export const DEFAULT_BUILD_PACKAGES = 'npm:@ffmpeg-installer/ffmpeg,pypi:imageio-ffmpeg,debian:ffmpeg';

/** A build that is at hand where encoder hosts run. */
export const installedBuildSchema = z.strictObject({
  buildId: idSchema,
  /** Absolute path of its ffmpeg there. */
  executablePath: z.string().min(1).max(4096),
  /** SHA-256 that the executable must have. */
  digest: digestSchema,
});
export type InstalledBuild = z.infer<typeof installedBuildSchema>;

/** Where the executable of an encoder build comes from. */
export const buildSourceSchema = z.discriminatedUnion('kind', [
  /** An ffmpeg executable on the encoder's machine. */
  z.object({ kind: z.literal('path'), path: z.string().min(1).max(4096) }),
  /** A package that holds one, such as npm's @ffmpeg-installer/ffmpeg, PyPI's imageio-ffmpeg, Debian's ffmpeg. */
  z.object({
    kind: z.literal('package'),
    ecosystem: z.enum(['npm', 'pypi', 'debian']),
    name: z.string().min(1).max(200),
    version: z.string().min(1).max(100),
  }),
  /** An image of the encoder host; upgrading is the work of the fleet provider that runs containers. */
  z.object({ kind: z.literal('container'), image: z.string().min(1).max(500) }),
]);
export type BuildSource = z.infer<typeof buildSourceSchema>;

/** What a build made of one rendition of a probe: what has to be equal for a switch without a seam, readably. */
export const renditionFactsSchema = z.object({
  case: z.string(),
  rendition: z.string(),
  /** RFC 6381: profile, constraints and level in hex. */
  codec: z.string(),
  /** Such as 320x180. */
  pictureSize: z.string(),
  /** Primaries, transfer and matrix (numbers of ITU-T H.273) and range. */
  colour: z.string(),
  sampleAspect: z.string(),
  /** Units in a tick, ticks per second; fixed or variable. */
  timing: z.string(),
  reorderFrames: z.int().nullable(),
  /** SPS and PPS, byte by byte: hex, 16 digits of the SHA-256. */
  parameterSets: z.string(),
  /** PTS and DTS of every picture, GOP by GOP: 16 digits of the SHA-256. */
  pictureTimes: z.string(),
  /** PTS of every audio unit, GOP by GOP: 16 digits of the SHA-256. */
  audioTimes: z.string(),
  /** Elementary streams in the transport stream: kind, PID and stream type. */
  streams: z.string(),
});
export type RenditionFacts = z.infer<typeof renditionFactsSchema>;

/** What was measured of a build. */
export const buildProbeSchema = z.object({
  facts: z.array(renditionFactsSchema),
  /** Media seconds encoded per wall second, slowest case: how the build compares on the machine that probed it. */
  realTimeRatio: z.number(),
});
export type BuildProbe = z.infer<typeof buildProbeSchema>;

/** One build of the encoder software in the Central Version Manager's catalogue. */
export const encoderBuildSchema = z.object({
  id: idSchema,
  /** Hex SHA-256 of the executable: tells builds apart whatever their version strings say. */
  digest: digestSchema,
  source: buildSourceSchema,
  /** Where the executable is, on the machine of the worker and the local fleet; absent for a container image. */
  executablePath: z.string().min(1).max(4096).optional(),
  /** First line of `ffmpeg -version`, without the word ffmpeg. */
  ffmpegVersion: z.string(),
  /** Encoders, pixel formats and the like that sessions need, as found by the probe. */
  capabilities: z.array(z.string()),
  /**
   * Measured: builds of one class cut the same frames and write the same SPS/PPS, profile, level, colour and
   * timing, so that one may take over from another without a discontinuity. Null until probed.
   */
  compatibilityClass: z.string().nullable(),
  /** Wall clock, milliseconds; null until probed. */
  probedAtMs: z.number().nullable(),
  /** What the class was derived from; absent until probed. */
  probe: buildProbeSchema.optional(),
});
export type EncoderBuild = z.infer<typeof encoderBuildSchema>;
