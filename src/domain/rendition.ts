import { z } from 'zod';

/** Presets of x264 that a live session may use, the fastest first. Slower ones look ahead further than a GOP may wait. */
export const x264PresetSchema = z.enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium']);
export type X264Preset = z.infer<typeof x264PresetSchema>;
/**
 * Measured live at 320x180, 25 frames/s: 2.5 % of a core a rendition, where veryfast takes 3.3 % for 60 % of the
 * bits. It also does without lookahead, so that a GOP is out 120 ms earlier.
 */
export const DEFAULT_PRESET: X264Preset = 'superfast';

export const h264ProfileSchema = z.enum(['baseline', 'main', 'high']);
export type H264Profile = z.infer<typeof h264ProfileSchema>;

/** One encoded version of a channel. */
export const renditionSchema = z.object({
  name: z
    .string()
    .regex(/^[a-z0-9]{1,16}$/, 'use 1 to 16 of a-z and 0-9')
    .describe('part of its URLs; each rung has another'),
  widthPx: z.int().min(16).max(7680).multipleOf(2),
  heightPx: z.int().min(16).max(4320).multipleOf(2),
  crf: z
    .int()
    .min(0)
    .max(51)
    .describe('constant rate factor of x264, its quality: lower is better; 18 to 28 is usual'),
  maxBitrateKbps: z.int().min(32).max(100_000).describe('caps what the quality asks for, kbit/s'),
  bufferKbit: z
    .int()
    .min(32)
    .max(200_000)
    .optional()
    .describe('size of the rate buffer (VBV) that the cap holds over; twice maxBitrateKbps by default'),
  preset: x264PresetSchema
    .optional()
    .describe('of x264; superfast by default. Slower ones cost more encode units'),
  profile: h264ProfileSchema.optional().describe('of H.264; main by default'),
});
export type Rendition = z.infer<typeof renditionSchema>;

/** Two seconds of the highest bit rate, unless it says otherwise. */
export const bufferKbitOf = (r: Pick<Rendition, 'bufferKbit' | 'maxBitrateKbps'>): number =>
  r.bufferKbit ?? 2 * r.maxBitrateKbps;
