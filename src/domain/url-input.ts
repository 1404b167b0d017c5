import { z } from 'zod';

/** A file (looped at real-time pace) or a live URL that ffmpeg reads. */
export const inputUrlSchema = z.string().min(1).max(4096);

export const soundCodecSchema = z.enum(['aac', 'as-is']);
export type SoundCodec = z.infer<typeof soundCodecSchema>;
export const soundLayoutSchema = z.enum(['as-is', 'stereo']);
export type SoundLayout = z.infer<typeof soundLayoutSchema>;

/** What of an input is carried, and how, where that is chosen by hand; an absent field leaves it to the source. */
export const inputChoiceSchema = z
  .strictObject({
    programme: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('number of the programme in a multiplex; variant of an HLS master, counted from 0'),
    picture: z
      .int()
      .min(0)
      .max(1_023)
      .optional()
      .describe('index of its stream, as ffprobe counts; by default the largest picture'),
    languages: z
      .array(z.string().regex(/^[a-z]{2,3}$/, 'use the code that the input has, such as "deu"'))
      .min(1)
      .max(16)
      .optional()
      .describe(
        'languages of the sound that is carried, in this order; by default all sound of the programme',
      ),
    soundCodec: soundCodecSchema
      .optional()
      .describe(
        'sound that browsers do not play (MP2, AC-3, E-AC-3): encoded once to AAC (the default), or as it came',
      ),
    soundLayout: soundLayoutSchema
      .optional()
      .describe(
        'sound of more than two channels: as it came, up to 5.1 (the default), or mixed down to stereo',
      ),
  })
  .describe('what of the input is carried, and how');
export type InputChoice = z.infer<typeof inputChoiceSchema>;

/** An input of one's own. */
export const urlInputSchema = z.object({
  kind: z.literal('url'),
  url: inputUrlSchema,
  /** Where `url` has secrets left out (see redact.ts): the source knows the whole one by this name. */
  secretRef: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  choice: inputChoiceSchema.optional(),
});
export type UrlInput = z.infer<typeof urlInputSchema>;
