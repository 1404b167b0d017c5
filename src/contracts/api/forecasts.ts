import { z } from 'zod';
import { audienceRowSchema, idSchema, knownEventSchema, seriesAccuracySchema } from '../../domain';
import { missingSchema, ms } from './common';

/** A known event as it is asked for; the times that are taken are in src/api/time-rules.ts. */
export const addEventSchema = knownEventSchema.strict();
/** A known event as it is answered: with all that a request may leave out. */
export const eventSchema = knownEventSchema.extend({
  channelIds: knownEventSchema.shape.channelIds.unwrap(),
  level: knownEventSchema.shape.level.unwrap(),
});

/** The store forgets older points at once; a minute is left for the way there. */
export const HISTORY_KEPT_MS = 30 * 86_400_000 - 60_000;

export const HISTORY_ROWS_AT_ONCE = 5_000;

export const historyImportSchema = z
  .object({
    rows: z
      .array(
        audienceRowSchema
          .extend({ region: idSchema.optional().describe("absent: the channel's own") })
          .strict(),
      )
      .min(1)
      .max(HISTORY_ROWS_AT_ONCE),
    dryRun: z.boolean().optional().describe('true: the rows are checked, and none is written'),
  })
  .strict();
export type HistoryImport = z.infer<typeof historyImportSchema>;

export const historyImportedSchema = z.object({
  rows: z.number().describe('written; of rows with the same time, channel and region the last one'),
  unknownChannels: z
    .array(z.string())
    .describe('of rows that count only once there is a channel of that name'),
  usedFromMs: ms(
    'forecasts look back as far as this, with the steps that they have; earlier rows do not count',
  ),
});
export type HistoryImported = z.infer<typeof historyImportedSchema>;

export const accuracyQuerySchema = z.object({
  steps: z.coerce.number().int().min(1).max(10_000).default(168),
});

export const whatIfQuerySchema = z.object({
  channel: idSchema.describe('channel to place'),
  encoder: idSchema.describe('where to'),
});

export const whatIfSchema = z
  .object({
    placement: z
      .record(idSchema, idSchema)
      .refine((p) => Object.keys(p).length > 0, 'name at least one channel')
      .describe('encoder by channel; channels not named stay where they are')
      .meta({ minProperties: 1 }),
  })
  .strict();

const curveSchema = z.object({
  p10: z.array(z.number()),
  p50: z.array(z.number()),
  p90: z.array(z.number()),
});
const historySchema = z.array(z.object({ atMs: z.number(), value: z.number().nullable() }));

export const forecastsSchema = z.object({
  atMs: z.number(),
  forecastId: z.string().nullable(),
  model: z.string().nullable(),
  issuedAtMs: z.number().nullable(),
  stepSeconds: z.number(),
  horizonSteps: z.number(),
  /** Element i of a curve stands for issuedAtMs + (i + 1) x stepSeconds. */
  channels: z.array(
    z.object({
      id: z.string(),
      held: z.boolean(),
      viewers: curveSchema.nullable(),
      units: curveSchema.nullable(),
      viewersHistory: historySchema,
    }),
  ),
  encoders: z.array(
    z.object({
      id: z.string(),
      limitUnits: z.number().nullable(),
      capacityUnits: z.number().nullable(),
      channels: z.array(z.string()),
      units: curveSchema.nullable().describe('sum of the channels that it owns now'),
      unitsHistory: historySchema,
    }),
  ),
  regions: z.array(
    z.object({
      id: z.string(),
      load: curveSchema.nullable().describe('CDN load fraction'),
      viewers: curveSchema.nullable(),
      loadHistory: historySchema,
    }),
  ),
  events: z.array(eventSchema).describe('known events within the history and the day ahead'),
  missing: z.array(missingSchema),
});
export type Forecasts = z.infer<typeof forecastsSchema>;

export const accuracySchema = z.object({
  atMs: z.number(),
  sinceMs: ms('begin of the window'),
  stepSeconds: z.number(),
  model: z.string().nullable().describe('model in use'),
  errorCorrelation: z.number().nullable().describe('between the errors of any two channels'),
  series: z.array(seriesAccuracySchema),
});
export type Accuracy = z.infer<typeof accuracySchema>;

export const whatIfAnswerSchema = z.object({
  forecastId: z.string(),
  model: z.string(),
  issuedAtMs: z.number(),
  stepSeconds: z.number(),
  correlation: z.number().describe('between the errors of any two channels; 1 where it is not known'),
  encoders: z.array(
    z.object({
      id: z.string(),
      limitUnits: z.number().nullable(),
      capacityUnits: z.number().nullable(),
      channelsNow: z.array(z.string()),
      channels: z.array(z.string()),
      units: curveSchema.nullable(),
      peakP90Now: z.number().nullable(),
      peakP90: z.number().nullable().describe('highest P90 over the horizon, with that correlation'),
      peakBoundP90: z.number().nullable().describe('the same if all channels err together'),
      fits: z.boolean().nullable().describe('whether the bound stays within the limit'),
    }),
  ),
});
export type WhatIf = z.infer<typeof whatIfAnswerSchema>;
