import { z } from 'zod';
import { channelInputSchema, knownEventSchema, policySchema } from '../domain';
import { backEndInUseSchema, manifestSchema } from '../models';

/** Shapes of the API's answers: the types come from here, and so does /api/openapi.json. */

const ms = (what: string) => z.number().describe(`${what}; wall clock, milliseconds since 1970`);

export const sessionSchema = z.object({
  sessionId: z.string(),
  channelId: z.string(),
  state: z.enum(['starting', 'holding', 'publishing', 'fenced', 'failed', 'released']),
  token: z.number(),
  renditions: z.array(z.string()),
  units: z.number(),
  lastEncodedGop: z.number(),
  lastPublishedGop: z.number(),
  ready: z.boolean(),
  realTimeRatio: z.number(),
  lateGops: z.number(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});

export const fitnessSchema = z.object({
  score: z.number(),
  terms: z.object({
    headroom: z.number(),
    quality: z.number(),
    version: z.number(),
    zone: z.number(),
    stability: z.number(),
  }),
  weakestTerm: z.enum(['headroom', 'quality', 'version', 'zone', 'stability']),
});

export const encoderStatusSchema = z.object({
  id: z.string(),
  grpcAddress: z.string(),
  region: z.string(),
  zone: z.string(),
  fleetState: z.enum(['starting', 'running', 'restarting', 'stopped']),
  restarts: z.number(),
  reachable: z.boolean(),
  cordoned: z.boolean(),
  draining: z.boolean(),
  version: z.string().nullable(),
  ffmpegVersion: z.string().nullable(),
  unitsUsed: z.number().nullable(),
  capacityUnits: z.number().nullable(),
  limitUnits: z.number().nullable().describe('capacity x policy.limitFraction'),
  forecastP50Units: z.number().nullable().describe('highest sum of its channels over the horizon, P50'),
  forecastP90Units: z.number().nullable().describe('the same at P90'),
  load: z.enum(['ok', 'at-risk', 'overloaded', 'unknown']),
  fitness: fitnessSchema.nullable(),
  cpuCores: z.number().nullable(),
  memoryMiB: z.number().nullable(),
  networkKbps: z.number().nullable(),
  maxSessions: z.number().nullable(),
  sessions: z.array(sessionSchema),
});
export type EncoderStatus = z.infer<typeof encoderStatusSchema>;

export const channelStatusSchema = z.object({
  id: z.string(),
  region: z.string().nullable(),
  status: z.enum(['starting', 'on-air', 'moving', 'recovering', 'late', 'off-air']),
  owner: z.object({ encoderId: z.string(), sessionId: z.string() }).nullable(),
  token: z.number().nullable(),
  nextGop: z.number().nullable(),
  gopDurationTicks: z.number().nullable(),
  ladder: z.array(z.string()).describe('every rung it may have, in the order in which they go on air'),
  rungs: z.array(z.string()).describe('rungs on air in its last GOP'),
  viewers: z.number().nullable(),
  viewersForecastP90: z.number().nullable(),
  units: z.number().nullable(),
  publishDelayMs: z.number().nullable().describe('last GOP: sealed by the relay to published'),
  lastPublishedAtMs: ms('last GOP published').nullable(),
  gapsDeclared: z.number().nullable(),
  refusals: z.record(z.string(), z.number()).describe('what the origin refused, by code'),
  input: channelInputSchema.nullable(),
  source: z
    .object({ state: z.enum(['running', 'ended', 'failed']), error: z.string().optional() })
    .nullable(),
  playlistUrl: z.string(),
});
export type ChannelStatus = z.infer<typeof channelStatusSchema>;

export const moveRecordSchema = z.object({
  workflowId: z.string(),
  runId: z.string(),
  url: z.string().describe("the run in Temporal's UI"),
  kind: z.enum(['handoff', 'recovery']),
  channelId: z.string().nullable(),
  reason: z.string().nullable(),
  outcome: z.enum(['running', 'completed', 'compensated', 'recovered', 'refused', 'unresolved', 'failed']),
  fromEncoderId: z.string().nullable(),
  toEncoderId: z.string().nullable(),
  requestedAtMs: ms('asked for'),
  finishedAtMs: ms('ended').nullable(),
  requestToCommitMs: z.number().nullable(),
  overlapGops: z.number().nullable().describe('time that both encoders worked on the channel, in GOPs'),
  firstGop: z.number().nullable(),
  gapsDeclared: z.number().nullable(),
  summary: z.string().nullable(),
  failure: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type MoveRecord = z.infer<typeof moveRecordSchema>;

export const missingSchema = z.object({
  part: z.string().describe('what could not be asked'),
  code: z.string(),
  message: z.string(),
});
export type Missing = z.infer<typeof missingSchema>;

export const statusSchema = z.object({
  cell: z.string(),
  atMs: ms('when this was put together'),
  health: z.enum(['ok', 'degraded', 'down']),
  problems: z.array(z.string()).describe('what an operator should look at, worst first'),
  alerts: z
    .array(
      z.object({
        kind: z.enum(['forecast-drift']),
        subject: z.string().describe('series, such as viewers/ch-1'),
        message: z.string(),
        atMs: ms('last step that was scored'),
      }),
    )
    .describe('what has changed around the swarm; nothing is wrong with its parts'),
  missing: z.array(missingSchema).describe('parts that did not answer; what they know is absent or old'),
  regions: z
    .array(
      z.object({
        region: z.string(),
        peakLoadP90: z.number().describe('highest P90 of its CDN load from now on, fraction of its capacity'),
        congested: z
          .boolean()
          .describe('above policy.congestedRegionLoad: new work and encoders go elsewhere'),
      }),
    )
    .describe('CDN regions of which somebody measures the load'),
  counts: z.object({ onAir: z.number(), channels: z.number(), overloaded: z.number(), atRisk: z.number() }),
  encoders: z.array(encoderStatusSchema),
  channels: z.array(channelStatusSchema),
  forecast: z
    .object({
      id: z.string(),
      model: z.string(),
      issuedAtMs: ms('issued'),
      ageMs: z.number(),
      stepSeconds: z.number(),
      horizonSteps: z.number(),
      held: z.array(z.string()),
    })
    .nullable(),
  net: z
    .object({
      modelId: z.string(),
      trainedAtMs: ms('trained'),
      pinball: z.number().describe('on windows held back, over that of the day-seasonal naive'),
      backEnd: backEndInUseSchema
        .nullable()
        .describe('back end of TensorFlow.js in use, and why faster ones are not; null: none was loaded yet'),
    })
    .nullable()
    .describe('model that the net forecasts with'),
  cycle: z
    .object({
      number: z.number(),
      workflowId: z.string(),
      url: z.string(),
      atMs: ms('last control cycle'),
      moves: z.array(z.string()),
      scale: z.string(),
      unmet: z.array(z.string()),
      acted: z.array(z.object({ what: z.string(), accepted: z.boolean(), why: z.string().optional() })),
    })
    .nullable(),
  moves: z.array(moveRecordSchema),
  policy: policySchema.nullable(),
  urls: z.object({ api: z.string(), temporal: z.string(), origin: z.string() }),
});
export type Alert = z.infer<typeof statusSchema>['alerts'][number];
export type Status = z.infer<typeof statusSchema>;

export const modelsSchema = z.object({
  inUse: z.string().nullable(),
  backEnd: backEndInUseSchema.nullable(),
  models: z.array(manifestSchema).describe('the newest first; refused ones too'),
  damaged: z.array(z.object({ id: z.string(), why: z.string() })),
});
export type Models = z.infer<typeof modelsSchema>;

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
  events: z.array(knownEventSchema).describe('known events within the history and the day ahead'),
  missing: z.array(missingSchema),
});
export type Forecasts = z.infer<typeof forecastsSchema>;

export const accuracySchema = z.object({
  atMs: z.number(),
  sinceMs: ms('begin of the window'),
  stepSeconds: z.number(),
  model: z.string().nullable().describe('model in use'),
  errorCorrelation: z.number().nullable().describe('between the errors of any two channels'),
  series: z.array(
    z.object({
      kind: z.enum(['viewers', 'region_load']),
      id: z.string(),
      lead: z.number().describe('steps ahead; 1: the step in which the forecast was issued'),
      count: z.number().describe('steps scored'),
      pinball: z.number().describe('mean of P10, P50 and P90, in the unit of the series'),
      mase: z.number().nullable().describe('error of P50 over that of the day-seasonal naive'),
      coverage: z.number().describe('realised within P10 to P90; 0.8 is right'),
      over90: z.number().describe('realised above P90; 0.1 is right'),
      bias: z.number().describe('P50 minus realised'),
      widthLow: z.number().describe('what past errors have made of P50 - P10'),
      widthHigh: z.number().describe('what past errors have made of P90 - P50'),
      shift: z.number().describe('how far P50 lies off, in halves of the band; above 0: too low'),
      drifting: z.boolean(),
      lastTargetMs: z.number(),
    }),
  ),
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

export const historyImportedSchema = z.object({ rows: z.number() });

export const explanationSchema = z.object({
  subject: z.string(),
  kind: z.enum(['move', 'cycle', 'channel', 'workflow']),
  headline: z.string(),
  sections: z.array(z.object({ title: z.string(), lines: z.array(z.string()) })),
  workflowId: z.string().nullable(),
  runId: z.string().nullable(),
  url: z.string().nullable(),
  move: moveRecordSchema.nullable(),
  timeline: z.array(
    z.object({
      name: z.string(),
      startedAtMs: z.number(),
      finishedAtMs: z.number().nullable(),
      attempts: z.number(),
      ok: z.boolean().nullable(),
      note: z.string().optional(),
    }),
  ),
});
export type Explanation = z.infer<typeof explanationSchema>;

export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
});
