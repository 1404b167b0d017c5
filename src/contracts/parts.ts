import { z } from 'zod';
import { SwarmError, type ChannelSpec, type Owner } from '../domain';
import { callJson } from '../platform/http';

/** Clients of relay, origin and source: the calls of docs/reference/protocols/ that workflows need. */

const ownerSchema = z.object({ encoderId: z.string(), sessionId: z.string() });

const originChannelSchema = z.object({
  id: z.string(),
  token: z.int(),
  owner: ownerSchema.nullable(),
  nextGop: z.int(),
  hasPublished: z.boolean(),
  lastPublishedAtMs: z.number().nullable(),
});
export type OriginChannel = z.infer<typeof originChannelSchema>;

const relayChannelSchema = z.object({
  id: z.string(),
  oldestGop: z.int().nullable(),
  openGop: z.int().nullable(),
  lastSealedGop: z.int().nullable(),
  nextGop: z.int().nullable(),
  ingestConnected: z.boolean(),
});
export type RelayChannel = z.infer<typeof relayChannelSchema>;

const sourceChannelSchema = z.object({ id: z.string(), state: z.enum(['running', 'ended', 'failed']) });
export type SourceChannel = z.infer<typeof sourceChannelSchema>;

const grantSchema = z.object({ token: z.int(), firstGop: z.int() });
const ledgerEntrySchema = z.object({ gop: z.int(), publishedAtMs: z.number() });
const publishedSchema = z.object({ gop: z.int(), encoderId: z.string(), sessionId: z.string() });
const gopDurationSchema = z.object({ gopDurationTicks: z.int().positive() });
const sealedSchema = z.object({ gop: z.int(), sealedAtMs: z.number() });

/** A change of owner, if the token is still the expected one. */
export interface OwnRequest {
  channelId: string;
  requestId: string;
  expectToken: number;
  owner: Owner | null;
  fromGop: number;
  gapReason?: string;
  discontinuity?: boolean;
}

interface CallOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
  method?: string;
  json?: unknown;
}

const ask = async <T extends z.ZodType>(
  schema: T,
  url: string,
  options: CallOptions = {},
): Promise<z.output<T>> => {
  const parsed = schema.safeParse(await callJson<unknown>(url, options));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
  throw new SwarmError('internal', `${url} answered something unexpected: ${faults}.`);
};

const channelUrl = (base: string, channelId: string): string =>
  `${base}/channels/${encodeURIComponent(channelId)}`;

const remove = (base: string, channelId: string): Promise<void> =>
  callJson(channelUrl(base, channelId), { method: 'DELETE' });

export class OriginClient {
  constructor(private readonly url: string) {}

  register({ id, gopDurationTicks, framesPerSecond }: ChannelSpec): Promise<OriginChannel> {
    const json = { gopDurationTicks, framesPerSecond };
    return ask(originChannelSchema, channelUrl(this.url, id), { method: 'PUT', json });
  }
  remove(channelId: string): Promise<void> {
    return remove(this.url, channelId);
  }
  channels(options: CallOptions = {}): Promise<OriginChannel[]> {
    return ask(z.array(originChannelSchema), `${this.url}/channels`, options);
  }
  channel(channelId: string, options: CallOptions = {}): Promise<OriginChannel> {
    return ask(originChannelSchema, channelUrl(this.url, channelId), options);
  }
  /** Changes hands, if the token is still the expected one; the same requestId again gets the same answer. */
  own({ channelId, ...json }: OwnRequest, options: CallOptions = {}): Promise<z.infer<typeof grantSchema>> {
    return ask(grantSchema, `${channelUrl(this.url, channelId)}/own`, { ...options, method: 'POST', json });
  }
  /** Who published GOPs `from` to `to`, exclusive, as far as they are kept; gaps too. */
  ledger(
    channelId: string,
    from: number,
    to: number,
    options: CallOptions = {},
  ): Promise<z.infer<typeof publishedSchema>[]> {
    return ask(
      z.array(publishedSchema),
      `${channelUrl(this.url, channelId)}/ledger?from=${from}&to=${to}`,
      options,
    );
  }
  /** The bytes of one published segment. @throws SwarmError not-found */
  async segment(channelId: string, rendition: string, gop: number, signal: AbortSignal): Promise<Buffer> {
    const url = `${this.url}/hls/${encodeURIComponent(channelId)}/${rendition}/${gop}.ts`;
    const response = await fetch(url, { signal });
    if (!response.ok) throw new SwarmError('not-found', `${url} answered ${response.status}.`);
    return Buffer.from(await response.arrayBuffer());
  }
  /** @throws SwarmError timeout while the GOP is neither published nor declared a gap */
  wait(
    channelId: string,
    gop: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<z.infer<typeof ledgerEntrySchema>> {
    const url = `${channelUrl(this.url, channelId)}/wait?gop=${gop}&timeout_ms=${waitMs}`;
    return ask(ledgerEntrySchema, url, { signal, timeoutMs: waitMs + 2_000 });
  }
}

export class RelayClient {
  constructor(private readonly url: string) {}

  register({ id, gopDurationTicks }: ChannelSpec): Promise<RelayChannel> {
    return ask(relayChannelSchema, channelUrl(this.url, id), { method: 'PUT', json: { gopDurationTicks } });
  }
  remove(channelId: string): Promise<void> {
    return remove(this.url, channelId);
  }
  channels(options: CallOptions = {}): Promise<RelayChannel[]> {
    return ask(z.array(relayChannelSchema), `${this.url}/channels`, options);
  }
  channel(channelId: string, options: CallOptions = {}): Promise<RelayChannel> {
    return ask(relayChannelSchema, channelUrl(this.url, channelId), options);
  }
  async gopDurationTicks(channelId: string, options: CallOptions = {}): Promise<number> {
    return (await ask(gopDurationSchema, channelUrl(this.url, channelId), options)).gopDurationTicks;
  }
  /** @throws SwarmError timeout while the GOP is not sealed */
  sealed(channelId: string, gop: number, options: CallOptions = {}): Promise<z.infer<typeof sealedSchema>> {
    return ask(sealedSchema, `${channelUrl(this.url, channelId)}/ledger/${gop}`, options);
  }
  feedUrl(channelId: string): string {
    return `${channelUrl(this.url, channelId)}/feed`;
  }
}

/** A live URL may need a while until its first picture. */
const SOURCE_START_MS = 25_000;

export class SourceClient {
  constructor(private readonly url: string) {}

  register(
    { id, input, framesPerSecond, gopDurationTicks }: ChannelSpec,
    signal: AbortSignal,
  ): Promise<SourceChannel> {
    const json = { input, framesPerSecond, gopDurationTicks };
    return ask(sourceChannelSchema, channelUrl(this.url, id), {
      method: 'PUT',
      json,
      signal,
      timeoutMs: SOURCE_START_MS,
    });
  }
  remove(channelId: string): Promise<void> {
    return remove(this.url, channelId);
  }
  channels(options: CallOptions = {}): Promise<SourceChannel[]> {
    return ask(z.array(sourceChannelSchema), `${this.url}/channels`, options);
  }
}
