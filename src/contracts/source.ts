import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  channelInputSchema,
  channelSpecSchema,
  inputChoiceSchema,
  inputColourSchema,
  inputUrlSchema,
  redacted,
  type ChannelInput,
  type ChannelSpec,
  type InputChoice,
} from '../domain';
import { HEALTH_ROUTE, type Route } from '../platform/route';
import { anyAnswer, type CallOptions } from './call';
import { PartClient } from './part-client';
import { standbyInfoSchema, type InputSwitchRequest } from './source-standby';

/** What crosses the wire to and from the source (docs/reference/protocols/source.md). Wall-clock times: milliseconds since 1970. */

export const sourceRoutes: readonly Route[] = [
  HEALTH_ROUTE,
  { method: 'GET', path: '/channels', access: 'part' },
  { method: 'PUT', path: '/channels/:id', access: 'part' },
  { method: 'DELETE', path: '/channels/:id', access: 'part' },
  { method: 'POST', path: '/channels/:id/switch', access: 'part' },
  { method: 'DELETE', path: '/channels/:id/switches', access: 'part' },
  { method: 'POST', path: '/inputs/look', access: 'part' },
  { method: 'PUT', path: '/inputs/:ref', access: 'part' },
];

/** Of the listener for contributions by HTTP: whoever knows the key of a channel may send it. */
export const pushRoutes: readonly Route[] = [
  { method: 'PUT', path: '/push/:id', access: 'public', body: 'media' },
  { method: 'POST', path: '/push/:id', access: 'public', body: 'media' },
];

/** Body of PUT /channels/:id: what to bring to the relay. */
export const sourceSpecSchema = channelSpecSchema.pick({
  input: true,
  deinterlace: true,
  framesPerSecond: true,
  gopDurationTicks: true,
  standby: true,
});
export type SourceSpec = z.infer<typeof sourceSpecSchema>;

/** Body of PUT /inputs/:ref: the whole URL of an input whose `secretRef` that is. */
export const wholeInputSchema = z.strictObject({ url: inputUrlSchema });

/** By which the source knows an input that its operator named himself (SWARM_INPUTS_TRUSTED), without its secrets. */
export const digestOfInput = (url: string): string => createHash('sha256').update(url).digest('hex');

/** Query of PUT /channels/:id. */
export const sourcePutQuerySchema = z.object({
  /** `true`: an input that can't be opened now is no reason to refuse; it is tried again until it can. */
  may_be_away: z.stringbool().default(false),
});

/** Something of a live input that does not come, so that players get something else, or nothing, in its place. */
export const missingMediaSchema = z.object({
  /** `input`: nothing of it comes at all. */
  what: z.enum(['input', 'picture', 'sound']),
  /** Of sound: its codec and language. */
  track: z.string().optional(),
  /** Since players have got none of it. */
  forSeconds: z.number().min(0),
  /** False: it has not come since the input was opened. */
  hasCome: z.boolean(),
  /** Its last picture is repeated. */
  isStill: z.boolean(),
});
export type MissingMedia = z.infer<typeof missingMediaSchema>;

/**
 * A channel as the source answers it. `opening`: its input has brought nothing yet. `ended` and `failed` inputs are tried
 * again; `error` says what happened last.
 */
export const sourceChannelSchema = z.object({
  id: z.string(),
  input: channelInputSchema,
  state: z.enum(['opening', 'running', 'ended', 'failed']),
  error: z.string().optional(),
  /** Sentences: which tracks of the input are encoded or left out, and which have brought nothing yet. */
  notes: z.array(z.string()).optional(),
  /** Of a live input that is open. */
  missing: z.array(missingMediaSchema).optional(),
  /** Pictures sent since this process took the channel on. */
  framesSent: z.int().min(0),
  /** Start of the present contribution; before the first, of the attempts. */
  startedAtMs: z.number(),
  /** Of a channel with more than one input, or a slate. */
  standby: standbyInfoSchema.optional(),
});
export type SourceChannel = z.infer<typeof sourceChannelSchema>;
export type SourceState = SourceChannel['state'];

/** Body of POST /inputs/look. */
export const lookRequestSchema = z.object({ url: inputUrlSchema, choice: inputChoiceSchema.optional() });

/** How a track of an input reaches the relay: as it came, encoded once, or not at all. */
const encodedIfNeeded = z.enum(['as-is', 'encoded']);
const carriedSchema = z.enum(['as-is', 'encoded', 'left-out']);
/** A sentence that says why a track is not carried as it came. */
const why = z.string().optional();

/** What an input is, and how its tracks would be carried. */
export const inputFactsSchema = z.object({
  video: z.object({
    codec: z.string(),
    /** As coded. */
    widthPx: z.int(),
    heightPx: z.int(),
    /** As it is to be shown: square pixels, turned upright. */
    shownWidthPx: z.int(),
    shownHeightPx: z.int(),
    /** Pictures per second, `25` or `30000/1001`; those of an interlaced input have two fields each. Null: unknown, or varying. */
    frameRate: z.string().nullable(),
    scan: z.enum(['progressive', 'interlaced']),
    /** In ffmpeg's words, such as `yuv420p10le`; `unknown` if it does not say. */
    pixelFormat: z.string(),
    /** As the channel sends it. */
    colour: inputColourSchema.optional(),
    carried: encodedIfNeeded,
    why,
  }),
  audio: z.array(
    z.object({
      codec: z.string(),
      /** 0 while nobody knows: the track is announced, and nothing of it has come. */
      channels: z.int(),
      sampleRateHz: z.int(),
      /** As the input says it, such as `deu`. */
      language: z.string().optional(),
      carried: carriedSchema,
      why,
    }),
  ),
  /** Subtitles, teletext, cue marks, metadata. */
  data: z.array(
    z.object({
      codec: z.string(),
      language: z.string().optional(),
      carried: carriedSchema.exclude(['encoded']),
      why,
    }),
  ),
  /** It has an end: it is looped at real-time pace. */
  finite: z.boolean(),
  /** Sentences: what is chosen, encoded or left out. */
  notes: z.array(z.string()),
});
export type InputFacts = z.infer<typeof inputFactsSchema>;

/** A live URL may need a while until its first picture. */
const SOURCE_START_MS = 25_000;
/** An input is given up after 10 s; it may have to wait for its turn before. */
const LOOK_MS = 25_000;

export class SourceClient extends PartClient {
  protected readonly part = 'source';

  register(
    spec: SourceSpec & Pick<ChannelSpec, 'id'>,
    { mayBeAway = false, ...options }: CallOptions & { mayBeAway?: boolean } = {},
  ): Promise<SourceChannel> {
    const { id, input, framesPerSecond, gopDurationTicks, deinterlace, standby } = spec;
    const byField = deinterlace === 'field' && { deinterlace };
    const json = { input, framesPerSecond, gopDurationTicks, ...byField, ...(standby && { standby }) };
    return this.ask(sourceChannelSchema, `${this.channelPath(id)}${mayBeAway ? '?may_be_away=true' : ''}`, {
      timeoutMs: SOURCE_START_MS,
      ...options,
      method: 'PUT',
      json,
    });
  }

  /**
   * Hands the secrets of an input to the source, before its channel is added: nobody else needs them, and what passes
   * through workflows is kept in their histories.
   * @returns the input as it may be told
   */
  async keepSecretsOf<I extends ChannelInput>(input: I, options: CallOptions = {}): Promise<I> {
    if (input.kind !== 'url' || redacted(input.url) === input.url) return input;
    const secretRef = randomBytes(16).toString('hex');
    const json = { url: input.url };
    await this.ask(anyAnswer, `/inputs/${secretRef}`, { ...options, method: 'PUT', json });
    return { ...input, url: redacted(input.url), secretRef };
  }

  /**
   * Puts another input of a channel on air, or (`auto`) lets the rules choose again: now, or at a moment to come.
   * @throws SwarmError unknown-channel, not-found, conflict for a channel with one input; bad-request for a moment that
   * is over, at-capacity-limit
   */
  switchInput(
    channelId: string,
    request: InputSwitchRequest,
    options: CallOptions = {},
  ): Promise<SourceChannel> {
    const path = `${this.channelPath(channelId)}/switch`;
    return this.ask(sourceChannelSchema, path, { ...options, method: 'POST', json: request });
  }

  /** Forgets the switches that are planned for a channel. @throws SwarmError unknown-channel, conflict */
  cancelSwitches(channelId: string, options: CallOptions = {}): Promise<SourceChannel> {
    const path = `${this.channelPath(channelId)}/switches`;
    return this.ask(sourceChannelSchema, path, { ...options, method: 'DELETE' });
  }

  channels(options: CallOptions = {}): Promise<SourceChannel[]> {
    return this.ask(z.array(sourceChannelSchema), '/channels', options);
  }

  /**
   * What an input is, without taking it on.
   * @throws SwarmError input-not-video; unavailable while too many inputs are looked at
   */
  look(
    url: string,
    { choice, ...options }: CallOptions & { choice?: InputChoice | undefined } = {},
  ): Promise<InputFacts> {
    const json = { url, choice };
    return this.ask(inputFactsSchema, '/inputs/look', {
      timeoutMs: LOOK_MS,
      ...options,
      method: 'POST',
      json,
    });
  }
}
