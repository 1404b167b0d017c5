import { z } from 'zod';
import {
  SwarmError,
  channelSpecSchema,
  digestSchema,
  frameRateSchema,
  httpStatusOf,
  idSchema,
  audienceSeenSchema,
  type AudienceSeen,
  type ChannelSpec,
  type ErrorCode,
} from '../domain';
import { linkFetch } from '../platform/links/client';
import { pause } from '../platform/retry';
import { HEALTH_ROUTE, routesBelow, type Route } from '../platform/route';
import { callJson, type CallOptions } from './call';
import { PartClient } from './part-client';
import { isOfOneReplica } from './replica-refusals';

/** What crosses the wire to and from the origin (docs/reference/protocols/origin.md). Wall-clock times: milliseconds since 1970. */

/** What players ask: any web page may. */
const hlsRoutes: readonly Route[] = [
  { method: 'GET', path: '/hls/:id/index.m3u8', access: 'public', sites: 'any' },
  { method: 'GET', path: '/hls/:id/:rendition/index.m3u8', access: 'public', sites: 'any' },
  { method: 'GET', path: '/hls/:id/:rendition/:file', access: 'public', sites: 'any' },
];

/** The same GOPs as fragmented MP4: HLS and DASH. */
const cmafRoutes: readonly Route[] = [
  { method: 'GET', path: '/cmaf/time', access: 'public', sites: 'any' },
  { method: 'GET', path: '/cmaf/:id/index.m3u8', access: 'public', sites: 'any' },
  { method: 'GET', path: '/cmaf/:id/manifest.mpd', access: 'public', sites: 'any' },
  { method: 'GET', path: '/cmaf/:id/:track/index.m3u8', access: 'public', sites: 'any' },
  { method: 'GET', path: '/cmaf/:id/:track/:file', access: 'public', sites: 'any' },
];

/** The same by addresses that expire (src/playback), and whether a cache may give a channel to one who has such an address. */
const signedRoutes: readonly Route[] = [
  ...routesBelow('/play/:token', [...hlsRoutes, ...cmafRoutes]),
  { method: 'GET', path: '/play/:token/check/:id', access: 'public', sites: 'any' },
];

/** All that the listener for players answers. */
export const playerRoutes: readonly Route[] = [HEALTH_ROUTE, ...hlsRoutes, ...cmafRoutes, ...signedRoutes];

export const originRoutes: readonly Route[] = [
  HEALTH_ROUTE,
  { method: 'GET', path: '/audience', access: 'part' },
  { method: 'GET', path: '/channels', access: 'part' },
  { method: 'GET', path: '/channels/:id', access: 'part' },
  { method: 'PUT', path: '/channels/:id', access: 'part' },
  { method: 'DELETE', path: '/channels/:id', access: 'part' },
  { method: 'POST', path: '/channels/:id/own', access: 'part' },
  { method: 'POST', path: '/channels/:id/gaps', access: 'part' },
  { method: 'PUT', path: '/channels/:id/gops/:gop', access: 'part', body: 'media' },
  { method: 'PUT', path: '/channels/:id/gops/:gop/partials/:index', access: 'part', body: 'media' },
  { method: 'GET', path: '/channels/:id/wait', access: 'part' },
  { method: 'GET', path: '/channels/:id/ledger', access: 'part' },
  ...hlsRoutes,
  ...cmafRoutes,
  ...signedRoutes,
];

export const ownerSchema = z.object({
  encoderId: idSchema,
  sessionId: z.string().regex(/^[A-Za-z0-9._:/-]{1,200}$/, 'use 1 to 200 of A-Z, a-z, 0-9 and "._:/-"'),
});

export const gopNumberSchema = z.int().min(0).max(1e12);
export const tokenSchema = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER - 1);
export const gapReasonSchema = z.string().min(1).max(500);

/** Body of PUT /channels/:id. */
export const originSpecSchema = channelSpecSchema.pick({ gopDurationTicks: true, framesPerSecond: true });
export type OriginSpec = z.infer<typeof originSpecSchema>;

/** Body of POST /channels/:id/own. */
export const ownRequestSchema = z.object({
  requestId: z.string().min(1).max(200),
  /** The token that the caller believes to be in force: compare-and-set. */
  expectToken: tokenSchema,
  owner: ownerSchema.nullable(),
  fromGop: gopNumberSchema,
  gapReason: gapReasonSchema.optional(),
  /**
   * Hex SHA-256 of the secret that the new owner shows with each GOP. Absent: the one that this session was granted the
   * channel with before; where it never had one, token and names are all that it has to show.
   */
  ownerSecretSha256: digestSchema.optional(),
  /** The new owner's pictures can't follow the old one's seamlessly: a player has to restart its decoder. */
  discontinuity: z.boolean().optional(),
});
export type OwnRequest = z.infer<typeof ownRequestSchema>;

export const ownAnswerSchema = z.object({
  token: tokenSchema,
  /** First GOP that the new owner may publish. */
  firstGop: gopNumberSchema,
});
export type OwnAnswer = z.infer<typeof ownAnswerSchema>;

/** Body of POST /channels/:id/gaps: GOPs [fromGop, toGop) that will never be published. */
export const declaredGapSchema = z.object({
  token: tokenSchema,
  fromGop: gopNumberSchema,
  toGop: gopNumberSchema,
  reason: gapReasonSchema,
});
export type DeclaredGap = z.infer<typeof declaredGapSchema>;

/** What an origin publishes of a GOP before it has ended; absent: nothing. */
export const lowLatencySchema = z.object({
  /** Partial segments last so long, the last one of a segment maybe less. */
  partialTicks: z.int().min(1),
  /** What is public of `nextGop`; null: nothing. */
  open: z
    .object({
      gop: gopNumberSchema,
      token: tokenSchema,
      partials: z.int().min(1),
      untilTicks: z.int().min(0),
    })
    .nullable(),
  /** Of the newest partial segments: from when the relay received the first picture of each to its publication. */
  captureToPartialMs: z.object({ median: z.number(), p95: z.number(), partials: z.int().min(1) }).nullable(),
});
export type LowLatency = z.infer<typeof lowLatencySchema>;

/** A channel as the origin answers it. */
export const originChannelSchema = z.object({
  id: z.string(),
  gopDurationTicks: z.int().positive(),
  framesPerSecond: frameRateSchema,
  /** Fencing token in force; 0 before the first owner. */
  token: tokenSchema,
  /** Who holds the token; null: nobody may publish. */
  owner: z.object({ encoderId: z.string(), sessionId: z.string() }).nullable(),
  /** The owner has to show the secret of its session with each GOP; absent: an origin that does not know of secrets. */
  ownerHasSecret: z.boolean().optional(),
  /** First GOP that is neither published nor declared a gap. */
  nextGop: gopNumberSchema,
  hasPublished: z.boolean(),
  lastPublishedAtMs: z.number().nullable(),
  oldestGop: gopNumberSchema.nullable(),
  /** GOPs declared a gap since the channel was added. */
  gapsDeclared: z.int().min(0),
  /** Absent: it publishes whole GOPs alone. */
  lowLatency: lowLatencySchema.optional(),
  /** How often a change was refused, by code. */
  refusals: z.partialRecord(z.enum(Object.keys(httpStatusOf) as [ErrorCode, ...ErrorCode[]]), z.int().min(0)),
});
export type OriginChannel = z.infer<typeof originChannelSchema>;

/** A GOP that was published, or (with `gapReason`) that never will be. */
export const ledgerEntrySchema = z.object({
  gop: gopNumberSchema,
  token: tokenSchema,
  encoderId: z.string().nullable(),
  sessionId: z.string().nullable(),
  publishedAtMs: z.number(),
  sealedAtMs: z.number().nullable(),
  /** From its sealing at the relay to its publication; null where it is not known. */
  delayMs: z.number().nullable(),
  renditions: z.array(z.object({ name: z.string(), bytes: z.int().min(1), sha256: z.string() })),
  gapReason: z.string().optional(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** Answer to PUT /channels/:id/gops/:gop, and to that of a partial segment of it. */
export const putAnswerSchema = z.object({ gop: gopNumberSchema, duplicate: z.boolean().optional() });
export type PutAnswer = z.infer<typeof putAnswerSchema>;

/** Of several origins, each is asked for so long at a time. */
const WAIT_ROUND_MS = 2_000;
const AWAY_PAUSE_MS = 100;
/** What an answer may take beyond the wait that was asked for. */
const WAIT_GRACE_MS = 2_000;

/** Where players find a channel: its master playlist, below the base URL of the origin. */
export const masterPlaylistUrl = (originUrl: string, channelId: string): string =>
  `${originUrl}/hls/${channelId}/index.m3u8`;

/** The same as fragmented MP4, for HLS and for DASH. */
export const cmafPlaylistUrl = (originUrl: string, channelId: string): string =>
  `${originUrl}/cmaf/${channelId}/index.m3u8`;
export const dashManifestUrl = (originUrl: string, channelId: string): string =>
  `${originUrl}/cmaf/${channelId}/manifest.mpd`;

export class OriginClient extends PartClient {
  protected readonly part = 'origin';

  register(
    {
      id,
      gopDurationTicks,
      framesPerSecond,
    }: Pick<ChannelSpec, 'id' | 'gopDurationTicks' | 'framesPerSecond'>,
    options: CallOptions = {},
  ): Promise<OriginChannel> {
    const json = { gopDurationTicks, framesPerSecond };
    return this.ask(originChannelSchema, this.channelPath(id), { ...options, method: 'PUT', json });
  }

  channels(options: CallOptions = {}): Promise<OriginChannel[]> {
    return this.read(z.array(originChannelSchema), '/channels', options);
  }

  audience(options: CallOptions = {}): Promise<AudienceSeen> {
    return this.read(audienceSeenSchema, '/audience', options);
  }

  channel(channelId: string, options: CallOptions = {}): Promise<OriginChannel> {
    return this.ask(originChannelSchema, this.channelPath(channelId), options);
  }

  /** Changes hands, if the token is still the expected one; the same requestId again gets the same answer. */
  own(
    { channelId, ...json }: OwnRequest & { channelId: string },
    options: CallOptions = {},
  ): Promise<OwnAnswer> {
    const path = `${this.channelPath(channelId)}/own`;
    return this.ask(ownAnswerSchema, path, { ...options, method: 'POST', json });
  }

  /** Declares GOPs a gap. @throws SwarmError stale-token, out-of-order */
  declareGap(channelId: string, gap: DeclaredGap, options: CallOptions = {}): Promise<OriginChannel> {
    const path = `${this.channelPath(channelId)}/gaps`;
    return this.ask(originChannelSchema, path, { ...options, method: 'POST', json: gap });
  }

  /** Who published GOPs `from` to `to`, exclusive, as far as they are kept; gaps too. */
  ledger(channelId: string, from: number, to: number, options: CallOptions = {}): Promise<LedgerEntry[]> {
    const path = `${this.channelPath(channelId)}/ledger?from=${from}&to=${to}`;
    return this.ask(z.array(ledgerEntrySchema), path, options);
  }

  /** Every GOP that is kept. */
  wholeLedger(channelId: string, options: CallOptions = {}): Promise<LedgerEntry[]> {
    return this.ask(z.array(ledgerEntrySchema), `${this.channelPath(channelId)}/ledger`, options);
  }

  /** @throws SwarmError timeout while the GOP is neither published nor declared a gap */
  async wait(channelId: string, gop: number, waitMs: number, signal?: AbortSignal): Promise<LedgerEntry> {
    const several = this.addresses.all.length > 1;
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const leftMs = Math.max(0, Math.round(untilMs - performance.now()));
      const roundMs = several ? Math.min(leftMs, WAIT_ROUND_MS) : waitMs;
      const { url } = this;
      const path = `${this.channelPath(channelId)}/wait?gop=${gop}&timeout_ms=${roundMs}`;
      const init = { part: this.part, timeoutMs: roundMs + WAIT_GRACE_MS, ...(signal && { signal }) };
      try {
        return await callJson(`${url}${path}`, ledgerEntrySchema, init);
      } catch (error) {
        const { code } = error as Partial<SwarmError>;
        const isAway = code !== 'timeout' && isOfOneReplica(error);
        if (!several || signal?.aborted || (code !== 'timeout' && !isAway)) throw error;
        // It may have none of the GOPs that the others have: one that was stopped, or is being filled.
        if (isAway || leftMs > roundMs) this.addresses.leave(url);
        const remainingMs = untilMs - performance.now();
        if (isAway ? remainingMs <= 0 : leftMs <= roundMs) throw error;
        if (isAway) await pause(Math.min(remainingMs, AWAY_PAUSE_MS), signal);
      }
    }
  }

  /** The bytes of one published segment. @throws SwarmError not-found */
  async segment(channelId: string, rendition: string, gop: number, signal: AbortSignal): Promise<Buffer> {
    const url = `${this.url}/hls/${encodeURIComponent(channelId)}/${rendition}/${gop}.ts`;
    const response = await linkFetch(url, { signal });
    if (!response.ok) throw new SwarmError('not-found', `${url} answered ${response.status}.`);
    return Buffer.from(await response.arrayBuffer());
  }
}
