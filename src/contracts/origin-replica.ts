import { z } from 'zod';
import { SwarmError, errorFromText, idSchema } from '../domain';
import { linkFetch } from '../platform/links/client';
import { partAuthorization } from '../platform/own-identity';
import { HEALTH_ROUTE, type Route } from '../platform/route';
import { anyAnswer, type CallOptions } from './call';
import { gopNumberSchema } from './origin';
import { PartClient } from './part-client';

/**
 * What origins of one swarm say to one another (docs/reference/protocols/origin.md, docs/decisions/0043). Records of GOPs
 * are the lines of the ledger, whose shape is the origin's own.
 */

export const replicaRoutes: readonly Route[] = [
  { method: 'POST', path: '/replicas/:id/promise', access: 'part' },
  { method: 'POST', path: '/replicas/:id/follow', access: 'part' },
  { method: 'GET', path: '/replicas/:id', access: 'part' },
  { method: 'GET', path: '/replicas/:id/log', access: 'part' },
  { method: 'GET', path: '/replicas/:id/gops/:gop', access: 'part' },
  { method: 'PUT', path: '/replicas/:id/gops/:gop', access: 'part', body: 'media' },
];

/** Counts who led a channel; from the ownership store. */
export const epochSchema = z.int().min(0);

/** Body of POST promise and follow. */
export const replicaOrderSchema = z.object({
  epoch: epochSchema,
  /** The life of the channel: goes up when it is added after a removal. */
  life: z.int().min(1),
  /** Name of the origin that leads. */
  leader: idSchema,
});
export type ReplicaOrder = z.infer<typeof replicaOrderSchema>;

/** How far an origin's copy of a channel is. */
export const replicaStateSchema = z.object({
  /** It takes nothing of an earlier epoch. */
  promised: epochSchema,
  /** The epoch whose log it has taken over last; 0: none, its copy counts for nothing. */
  followed: epochSchema,
  /** First GOP behind its log; null: the log is empty. */
  endGop: gopNumberSchema.nullable(),
});
export type ReplicaState = z.infer<typeof replicaStateSchema>;

/** Answer to GET: whether it leads, and under which epoch. */
export const replicaLeadSchema = replicaStateSchema.extend({ leads: z.boolean() });
export type ReplicaLead = z.infer<typeof replicaLeadSchema>;

/** Answer to PUT of a GOP: `behind`: it has to follow first. */
export const replicaPutAnswerSchema = replicaStateSchema.extend({ outcome: z.enum(['stored', 'behind']) });
export type ReplicaPutAnswer = z.infer<typeof replicaPutAnswerSchema>;

/** What goes before the bytes of a GOP. */
export const replicaGopSchema = z.object({
  epoch: epochSchema,
  life: z.int().min(1),
  /** The GOP before it in the log; null: it is the first one. */
  previousGop: gopNumberSchema.nullable(),
  /** A line of the ledger. */
  record: z.unknown(),
});
export type ReplicaGop = z.infer<typeof replicaGopSchema>;

/** A piece of a log; records from `fromGop` on. */
export const replicaLogSchema = replicaStateSchema.extend({
  records: z.array(z.unknown()),
  /** First GOP whose bytes are stored; null: none is. */
  oldestGop: gopNumberSchema.nullable(),
});
export type ReplicaLog = z.infer<typeof replicaLogSchema>;

const LENGTH_BYTES = 4;

/** A GOP on its way to other origins: the length of what goes before it (32 bits, big endian), that as JSON, the bytes. */
export const packGop = (gop: ReplicaGop, body: Buffer): Buffer<ArrayBuffer> => {
  const head = Buffer.from(JSON.stringify(gop));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, body]);
};

/** @throws SwarmError bad-request */
export const unpackGop = (packed: Buffer): { gop: ReplicaGop; body: Buffer } => {
  const end = packed.length < LENGTH_BYTES ? Infinity : LENGTH_BYTES + packed.readUInt32BE();
  try {
    if (end > packed.length) throw new Error('it ends too early');
    const gop = replicaGopSchema.parse(JSON.parse(packed.toString('utf8', LENGTH_BYTES, end)));
    return { gop, body: packed.subarray(end) };
  } catch (error) {
    throw new SwarmError(
      'bad-request',
      `What came of a GOP can't be read: ${(error as Error).message}`,
      'Both origins must be of releases that know one another.',
    );
  }
};

/** @throws SwarmError unavailable where no whole answer came in time */
const exchange = async (
  url: string,
  timeoutMs: number,
  { headers, ...init }: RequestInit & { headers?: Record<string, string> },
): Promise<{ status: number; bytes: Buffer }> => {
  try {
    const response = await linkFetch(url, {
      ...init,
      headers: { ...headers, ...partAuthorization() },
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    throw new SwarmError('unavailable', `${url} can't be reached: ${(error as Error).message}.`);
  }
};

/** What an origin asks of another one. */
export class ReplicaClient extends PartClient {
  protected readonly part = 'origin';

  /** Resolves if it answers at all. */
  async health(options: CallOptions = {}): Promise<void> {
    await this.ask(anyAnswer, HEALTH_ROUTE.path, options);
  }

  lead(channelId: string, options: CallOptions = {}): Promise<ReplicaLead> {
    return this.ask(replicaLeadSchema, this.path(channelId), options);
  }

  promise(channelId: string, json: ReplicaOrder, options: CallOptions = {}): Promise<ReplicaState> {
    return this.ask(replicaStateSchema, `${this.path(channelId)}/promise`, {
      ...options,
      ...{ method: 'POST', json },
    });
  }

  /** Resolves once it has taken over the leader's log. */
  follow(channelId: string, json: ReplicaOrder, options: CallOptions = {}): Promise<ReplicaState> {
    return this.ask(replicaStateSchema, `${this.path(channelId)}/follow`, {
      ...options,
      ...{ method: 'POST', json },
    });
  }

  log(channelId: string, fromGop: number, options: CallOptions = {}): Promise<ReplicaLog> {
    return this.ask(replicaLogSchema, `${this.path(channelId)}/log?from=${fromGop}`, options);
  }

  /** Hands over a GOP. @param packed as packGop packs it */
  async put(
    channelId: string,
    gop: number,
    packed: Buffer<ArrayBuffer>,
    { timeoutMs }: { timeoutMs: number },
  ): Promise<ReplicaPutAnswer> {
    const url = this.urlOf(channelId, gop);
    const { status, bytes } = await exchange(url, timeoutMs, {
      method: 'PUT',
      body: packed,
      headers: { 'content-type': 'application/octet-stream' },
    });
    const text = bytes.toString('utf8');
    if (status === 200 || status === 201) return replicaPutAnswerSchema.parse(JSON.parse(text));
    throw errorFromText(text) ?? new SwarmError('internal', `${url} answered ${status}.`);
  }

  /** The bytes of a GOP; null: they are not stored there any more. */
  async bytes(channelId: string, gop: number, { timeoutMs }: { timeoutMs: number }): Promise<Buffer | null> {
    const url = this.urlOf(channelId, gop);
    const { status, bytes } = await exchange(url, timeoutMs, {});
    if (status === 404) return null;
    if (status !== 200) throw new SwarmError('unavailable', `${url} answered ${status}.`);
    return bytes;
  }

  private urlOf(channelId: string, gop: number): string {
    return `${this.url}${this.path(channelId)}/gops/${gop}`;
  }

  private path(channelId: string): string {
    return `/replicas/${encodeURIComponent(channelId)}`;
  }
}
