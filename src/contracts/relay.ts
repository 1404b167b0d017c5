import { z } from 'zod';
import {
  SwarmError,
  channelSpecSchema,
  spliceSchema,
  type ChannelSpec,
  type Splice,
  type SpliceRequest,
} from '../domain';
import { digestOf } from '../platform/gate';
import { HEALTH_ROUTE, type Route } from '../platform/route';
import { callJson, noContent, type CallInit, type CallOptions } from './call';
import { PartClient } from './part-client';
import { answersOf, mergedChannel, mergedChannels } from './relay-replicas';

/** What crosses the wire to and from the relay (docs/reference/protocols/relay.md). Wall-clock times: milliseconds since 1970. */

export const relayRoutes: readonly Route[] = [
  HEALTH_ROUTE,
  { method: 'GET', path: '/channels', access: 'part' },
  { method: 'GET', path: '/channels/:id', access: 'part' },
  { method: 'PUT', path: '/channels/:id', access: 'part' },
  { method: 'DELETE', path: '/channels/:id', access: 'part' },
  { method: 'POST', path: '/channels/:id/ingest', access: 'part', body: 'media' },
  { method: 'GET', path: '/channels/:id/feed', access: 'part' },
  { method: 'GET', path: '/channels/:id/ledger', access: 'part' },
  { method: 'GET', path: '/channels/:id/ledger/:gop', access: 'part' },
  { method: 'GET', path: '/channels/:id/pictures/:gop', access: 'part' },
  { method: 'POST', path: '/channels/:id/splices', access: 'part' },
  { method: 'GET', path: '/channels/:id/splices', access: 'part' },
  { method: 'PUT', path: '/channels/:id/splices', access: 'part' },
];

/** Header of a feed's request: what the session that reads it proves with, once it owns the channel. */
export const FEED_PROOF_HEADER = 'x-feed-proof';
/** Header by which the origin tells, with each GOP that the owner publishes, how the owner's feed is known: hex SHA-256. */
export const OWNER_PROOF_HEADER = 'x-owner-feed-proof-sha256';

/** Made of the secret of a session, from which nobody gets the secret: the relay may see it, and the origin can make it. */
export const feedProofOf = (sessionSecret: string): string =>
  digestOf(`feed ${sessionSecret}`).toString('base64url');

/** Body of PUT /channels/:id. */
export const relaySpecSchema = channelSpecSchema.pick({ gopDurationTicks: true });

/** A channel as the relay answers it. */
export const relayChannelSchema = z.object({
  id: z.string(),
  gopDurationTicks: z.int().positive(),
  /** Oldest GOP that a feed can begin with; null while the ring is empty. */
  oldestGop: z.int().nullable(),
  /** GOP now arriving; null while no contribution sends. */
  openGop: z.int().nullable(),
  lastSealedGop: z.int().nullable(),
  /** GOP at whose start the next contribution goes on. */
  nextGop: z.int(),
  /**
   * What the clock of the last contribution showed at the start of `nextGop`, 33-bit ticks: a sender that still has
   * those pictures goes on from there. Null if no GOP was received yet.
   */
  resumeSourceTicks: z.number().nullable(),
  /** Sealed GOPs that are in memory only, as the disk refuses them. */
  unsavedGops: z.int().min(0),
  ingestConnected: z.boolean(),
  /** Null before the first byte since the relay started. */
  lastIngestAtMs: z.number().nullable(),
  /** Pictures taken in since the relay started. */
  framesIn: z.int().min(0),
  /** SCTE-35 messages since the relay started; absent: a relay that does not read them. */
  splices: z
    .object({
      taken: z.int().min(0),
      /** Malformed, too late, or more than can be kept. */
      setAside: z.int().min(0),
    })
    .optional(),
});
export type RelayChannel = z.infer<typeof relayChannelSchema>;

/** The presentation times of a complete GOP. */
export const gopLedgerSchema = z.object({
  gop: z.int(),
  /** Channel time of each picture, ascending. */
  ptsTicks: z.array(z.int().min(0)).min(1).max(10_000),
  /** ptsLedgerHash(ptsTicks). */
  sha256: z.string(),
  sealedAtMs: z.number(),
  /** Pictures within the GOP at which a segment is to be cut, ascending; absent: none. */
  cutTicks: z.array(z.int().min(0)).max(64).optional(),
  /** Breaks that are on at some time in the GOP, and marks of it; an end that is still to come is left out. */
  splices: z.array(spliceSchema).max(64).optional(),
});
export type GopLedger = z.infer<typeof gopLedgerSchema>;

/** What has arrived of a GOP, which may not have ended. */
export const gopPicturesSchema = z
  .object({
    gop: z.int(),
    /** Channel time of each picture so far, ascending. */
    ptsTicks: z.array(z.int().min(0)).min(1).max(10_000),
    /** How long ago each of them came, in the same order. */
    arrivedAgoMs: z.array(z.number().min(0)).max(10_000),
  })
  .refine((p) => p.ptsTicks.length === p.arrivedAgoMs.length, 'one arrival for each picture');
export type GopPictures = z.infer<typeof gopPicturesSchema>;

/** Splices of a channel that are not over, as relays tell them to one another. */
export const knownSplicesSchema = z.object({ splices: z.array(spliceSchema).max(64) });

/** What one relay answers though another one may have it: it has begun later, or anew. */
const ELSEWHERE = new Set(['gop-left-ring', 'unknown-channel']);

/** Calls to the relay, or to whichever of several has what is asked for. */
export class RelayClient extends PartClient {
  protected readonly part = 'relay';

  /** @throws SwarmError conflict for another GOP duration */
  register(
    { id, gopDurationTicks }: Pick<ChannelSpec, 'id' | 'gopDurationTicks'>,
    options: CallOptions = {},
  ): Promise<RelayChannel> {
    const json = { gopDurationTicks };
    return this.ask(relayChannelSchema, this.channelPath(id), { ...options, method: 'PUT', json });
  }

  /** As all relays have them together. */
  async channels(options: CallOptions = {}): Promise<RelayChannel[]> {
    return mergedChannels(
      await this.askAll((url) => callJson(`${url}/channels`, z.array(relayChannelSchema), this.of(options))),
    );
  }

  async channel(channelId: string, options: CallOptions = {}): Promise<RelayChannel> {
    const path = this.channelPath(channelId);
    return mergedChannel(
      await this.askAll((url) => callJson(`${url}${path}`, relayChannelSchema, this.of(options))),
    );
  }

  /** Takes a channel away from all relays that answer; an unknown one counts as taken away. */
  override async remove(channelId: string, options: CallOptions = {}): Promise<void> {
    const path = this.channelPath(channelId);
    const init = { ...this.of(options), method: 'DELETE' };
    await this.askAll((url) => callJson(`${url}${path}`, noContent, init));
  }

  async gopDurationTicks(channelId: string, options: CallOptions = {}): Promise<number> {
    return (await this.channel(channelId, options)).gopDurationTicks;
  }

  /**
   * The ledger of one GOP; `waitMs`: how long the relay may hold the answer until the GOP is sealed; `ownerProofSha256`:
   * told by the origin, see OWNER_PROOF_HEADER.
   * @throws SwarmError timeout while it is not sealed, gop-left-ring
   */
  sealed(
    channelId: string,
    gop: number,
    {
      waitMs = 0,
      ownerProofSha256,
      ...options
    }: CallOptions & { waitMs?: number; ownerProofSha256?: string } = {},
  ): Promise<GopLedger> {
    const path = `${this.channelPath(channelId)}/ledger/${gop}${waitMs > 0 ? `?wait_ms=${waitMs}` : ''}`;
    const headers: Record<string, string> =
      ownerProofSha256 === undefined ? {} : { [OWNER_PROOF_HEADER]: ownerProofSha256 };
    return this.read(gopLedgerSchema, path, { ...options, headers });
  }

  /** What has arrived of a GOP that may not have ended. @throws SwarmError not-found before its first picture */
  pictures(channelId: string, gop: number, options: CallOptions = {}): Promise<GopPictures> {
    return this.read(gopPicturesSchema, `${this.channelPath(channelId)}/pictures/${gop}`, options);
  }

  /** The ledgers of sealed GOPs `from` to `to`, exclusive, as far as they are kept. */
  ledgers(channelId: string, from: number, to: number, options: CallOptions = {}): Promise<GopLedger[]> {
    const path = `${this.channelPath(channelId)}/ledger?from=${from}&to=${to}`;
    return this.read(z.array(gopLedgerSchema), path, options);
  }

  /** Sets a splice, at all relays that answer. @throws SwarmError conflict, at-capacity-limit, unknown-channel */
  async splice(channelId: string, request: SpliceRequest, options: CallOptions = {}): Promise<Splice> {
    const path = this.splicesPath(channelId);
    const splice = await this.ask(spliceSchema, path, { ...options, method: 'POST', json: request });
    const others = this.addresses.all.filter((url) => url !== this.url);
    const init = { ...this.of(options), method: 'PUT', json: { splices: [splice] } };
    // One that is away is told by the source when it is back.
    await Promise.allSettled(others.map((url) => callJson(`${url}${path}`, noContent, init)));
    return splice;
  }

  /** The splices that are not over. */
  async splices(channelId: string, options: CallOptions = {}): Promise<Splice[]> {
    return (await this.read(knownSplicesSchema, this.splicesPath(channelId), options)).splices;
  }

  /** Tells of splices that another relay knows. */
  async tellSplices(channelId: string, splices: Splice[], options: CallOptions = {}): Promise<void> {
    const init = { ...options, method: 'PUT', json: { splices } };
    await this.ask(noContent, this.splicesPath(channelId), init);
  }

  feedUrl(channelId: string): string {
    return `${this.url}${this.channelPath(channelId)}/feed`;
  }

  protected override isToAskElsewhere(error: unknown): boolean {
    return super.isToAskElsewhere(error) || (error instanceof SwarmError && ELSEWHERE.has(error.code));
  }

  private of(options: CallOptions): CallInit {
    return this.bounded({ ...options, part: this.part });
  }

  private splicesPath(channelId: string): string {
    return `${this.channelPath(channelId)}/splices`;
  }

  private askAll<T>(call: (url: string) => Promise<T>): Promise<T[]> {
    return answersOf(this.addresses.all.map(call));
  }
}
