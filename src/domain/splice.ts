import { z } from 'zod';
import { TICKS_PER_SECOND } from './media-time';

/** A time that is so near to a picture is that picture's: clocks are rounded on their way. Half a frame at 240 frames/s. */
export const SPLICE_TOLERANCE_TICKS = TICKS_PER_SECOND / 500;

/** A splice_info_section of SCTE-35, in hex. */
const sectionSchema = z.string().regex(/^(?:[0-9a-f]{2}){1,4096}$/);

/** A break, or another mark, in a channel. Times are channel time. */
export const spliceSchema = z.object({
  /** Unique in the channel. */
  id: z.string().min(1).max(100),
  /** A break is on from its beginning to its end; a mark says something of one moment. */
  kind: z.enum(['break', 'mark']),
  /** splice_event_id or segmentation_event_id; unsigned, 32 bits. */
  eventId: z.int().min(0).max(0xffffffff),
  /** segmentation_type_id; absent: it came as a splice_insert, or has none. */
  typeId: z.int().min(0).max(255).optional(),
  atTicks: z.int().min(0),
  /** How long the break is meant to be; absent: nobody said. */
  plannedTicks: z.int().min(0).optional(),
  /** Where it ended, or will end by itself; absent: not known yet. */
  endTicks: z.int().min(0).optional(),
  /** The message that began it. */
  command: sectionSchema,
  /** The message that ended it; absent: none did, or not yet. */
  endCommand: sectionSchema.optional(),
});
export type Splice = z.infer<typeof spliceSchema>;

/**
 * The pictures within a GOP at which a segment is cut: for each time the first picture that is presented then or later,
 * unless that is the first of the GOP, where one is cut anyhow.
 * @param ptsTicks of the GOP's pictures, ascending
 */
export const cutsAmong = (ptsTicks: readonly number[], times: readonly number[]): number[] => {
  const first = ptsTicks[0] ?? Infinity;
  const found = times.flatMap((ticks) => {
    if (ticks - SPLICE_TOLERANCE_TICKS <= first) return [];
    return ptsTicks.find((pts) => pts >= ticks - SPLICE_TOLERANCE_TICKS) ?? [];
  });
  return [...new Set(found)].sort((a, b) => a - b);
};

const MOST_AHEAD_MS = 12 * 3_600_000;

const askedFields = {
  inMs: z
    .int()
    .min(0)
    .max(MOST_AHEAD_MS)
    .optional()
    .describe('Milliseconds from now; absent: 4 s, so that all encoders know of it in time.'),
  atMs: z.int().min(0).optional().describe('When, instead of `inMs`; wall clock, milliseconds since 1970.'),
  reason: z.string().min(1).max(300).optional().describe('Why, in words, for the audit.'),
};
const eventIdSchema = z.int().min(0).max(0xffffffff).optional();

/** What an operator asks for: a break that begins, or the end of one. */
export const spliceRequestSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('out').describe('A break begins.'),
    durationMs: z
      .int()
      .min(40)
      .max(MOST_AHEAD_MS)
      .optional()
      .describe('How long the break is to be; absent: until it is ended.'),
    eventId: eventIdSchema.describe('Of the break; absent: one is made.'),
    ...askedFields,
  }),
  z.strictObject({
    kind: z.literal('return').describe('A break ends.'),
    eventId: eventIdSchema.describe('Of the break; absent: the one that began last.'),
    ...askedFields,
  }),
]);
export type SpliceRequest = z.infer<typeof spliceRequestSchema>;
