import { z } from 'zod';
import { idSchema } from './channel';

/** Hex SHA-256. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'use 64 hex digits');

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
});
export type EncoderBuild = z.infer<typeof encoderBuildSchema>;
