import { z } from 'zod';
import { channelInputSchema, channelSpecSchema, policySchema, sessionInfoSchema } from '../../domain';
import { backEndInUseSchema } from '../model-manifest';
import { standbyInfoSchema } from '../source-standby';
import { missingSchema, ms } from './common';
import { moveRecordSchema } from './moves';

/** A new channel: only the id is needed, all else comes from the default channel. */
export const addChannelSchema = channelSpecSchema
  .omit({ inputPixelsPerSecond: true, inputColour: true })
  .partial()
  .required({ id: true })
  .extend({ input: channelInputSchema.optional() })
  .strict();
export type AddChannel = z.infer<typeof addChannelSchema>;

/** A channel as it was added, and what is to be expected of it. */
export const channelAddedSchema = channelSpecSchema.extend({
  notes: z.array(z.string()).describe('sentences: what of the input could not be followed, and why'),
  onAir: z.object({
    withinSeconds: z
      .number()
      .nullable()
      .describe('when it is usually on air, from now; null: not before what is in the way has gone'),
    inTheWay: z.array(z.string()).describe('what it waits for, each with what can be done about it'),
  }),
});
export type ChannelAdded = z.infer<typeof channelAddedSchema>;

/** A change of a channel on air; what is absent stays as it is. */
export const updateChannelSchema = channelSpecSchema
  .pick({
    input: true,
    deinterlace: true,
    ladder: true,
    viewersPerRung: true,
    placement: true,
    standby: true,
    timeZone: true,
  })
  .partial()
  .strict();

const fleetStateSchema = z.enum(['starting', 'running', 'restarting', 'stopped']);

/** What became of a change of an encoder. */
export const encoderChangedSchema = z.object({
  encoderId: z.string(),
  done: z.enum(['cordon', 'uncordon', 'drain']),
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
  fleetState: fleetStateSchema,
  restarts: z.number(),
  reachable: z.boolean(),
  cordoned: z.boolean(),
  draining: z.boolean(),
  version: z.string().nullable(),
  ffmpegVersion: z.string().nullable(),
  codecs: z
    .array(z.string())
    .nullable()
    .describe('encoders of its build that ladders may name; null where it does not tell'),
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
  sessions: z.array(sessionInfoSchema),
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
  captureToPartialMs: z
    .object({ median: z.number(), p95: z.number(), partials: z.number() })
    .optional()
    .describe(
      'newest partial segments: first picture received by the relay to published; absent: there are none (SWARM_PARTIAL_SEGMENT_MS)',
    ),
  lastPublishedAtMs: ms('last GOP published').nullable(),
  gapsDeclared: z.number().nullable(),
  refusals: z.record(z.string(), z.number()).describe('what the origin refused, by code'),
  input: channelInputSchema.nullable(),
  source: z
    .object({ state: z.enum(['opening', 'running', 'ended', 'failed']), error: z.string().optional() })
    .nullable(),
  standby: standbyInfoSchema
    .optional()
    .describe('which of its inputs is on air, and how the others are; absent: it has one'),
  playlistUrl: z.string(),
});
export type ChannelStatus = z.infer<typeof channelStatusSchema>;

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
  links: z
    .enum(['encrypted', 'loopback', 'plain'])
    .describe(
      'between the parts: encrypted; in plain on this machine alone; or in plain between machines, where tokens can be read on the way',
    ),
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
    .describe('CDN regions whose load is measured'),
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
