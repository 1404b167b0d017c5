import { z } from 'zod';
import {
  channelSpecSchema,
  deinterlaceSchema,
  idSchema,
  inputColourSchema,
  inputPixelsPerSecondSchema,
  renditionSchema,
  type ChannelSpec,
} from '../../domain';
import { toWireFrameRate, wireFrameRateSchema } from './frame-rate';

const url = z.url({ protocol: /^https?$/ });

/** Session ids travel in headers and logs. */
export const sessionIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'use 1 to 128 of A-Z, a-z, 0-9 and "._:/-"');

/** Channel of the sessions that self-tests make: they take a clip from, and bring it to, the worker. */
export const SELF_TEST_CHANNEL = 'self-test';

/** What to encode, from where, and where to publish it; `z.input` is message PrepareSessionRequest. */
export const prepareSchema = z
  .object({
    sessionId: sessionIdSchema,
    channelId: idSchema,
    /** Relay: GET feedUrl?from_gop=N (docs/reference/protocols/relay.md). */
    feedUrl: url,
    /** Origin: PUT originUrl/channels/:id/gops/:g. */
    originUrl: url.transform((u) => u.replace(/\/+$/, '')),
    gopDurationTicks: channelSpecSchema.shape.gopDurationTicks,
    /** Rounded up where frameRate is set, which goes first. */
    framesPerSecond: channelSpecSchema.shape.framesPerSecond,
    frameRate: wireFrameRateSchema,
    deinterlace: deinterlaceSchema.optional(),
    inputPixelsPerSecond: inputPixelsPerSecondSchema.optional(),
    inputColour: inputColourSchema.optional(),
    renditions: z
      .array(renditionSchema)
      .min(1)
      .max(8)
      .refine((list) => new Set(list.map((r) => r.name)).size === list.length, 'names must differ'),
    /** First GOP to encode; it warms the rate control, and is held like all others. */
    fromGop: z.int().min(0),
  })
  .transform(({ frameRate, ...order }) => ({
    ...order,
    framesPerSecond: frameRate ?? order.framesPerSecond,
  }));
export type PrepareSession = z.output<typeof prepareSchema>;

/**
 * The order of a session that encodes a channel.
 * @param place where it reads and publishes, and from which GOP on
 * @param rungs how many of the channel's ladder, the first ones; default: all
 */
export const sessionOrder = (
  spec: ChannelSpec,
  place: Pick<PrepareSession, 'sessionId' | 'feedUrl' | 'originUrl' | 'fromGop'>,
  rungs = spec.ladder.length,
): PrepareSession => ({
  ...place,
  channelId: spec.id,
  gopDurationTicks: spec.gopDurationTicks,
  framesPerSecond: spec.framesPerSecond,
  // Of fields that each become a picture, the source takes care.
  ...(spec.deinterlace === 'frame' && { deinterlace: spec.deinterlace }),
  ...(spec.inputPixelsPerSecond && { inputPixelsPerSecond: spec.inputPixelsPerSecond }),
  ...(spec.inputColour && { inputColour: spec.inputColour }),
  renditions: spec.ladder.slice(0, rungs),
});

/** Message PrepareSessionRequest. */
export const toWirePrepare = (order: PrepareSession): z.input<typeof prepareSchema> => ({
  ...order,
  ...toWireFrameRate(order.framesPerSecond),
});

export const commitSchema = z.object({
  sessionId: sessionIdSchema,
  token: z.int().min(1),
  firstGop: z.int().min(0),
});

export const getSchema = z.object({
  sessionId: sessionIdSchema,
  waitFor: z.enum(['NOTHING', 'READY']),
  waitMs: z.int().min(0).max(30_000),
});

export const releaseSchema = z.object({ sessionId: sessionIdSchema });
