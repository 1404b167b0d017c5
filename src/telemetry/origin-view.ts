import { z } from 'zod';
import { SwarmError } from '../domain';
import { callJson } from '../platform/http';

const TIMEOUT_MS = 800;

const channelSchema = z.object({
  id: z.string(),
  token: z.number(),
  owner: z.object({ encoderId: z.string(), sessionId: z.string() }).nullable(),
  nextGop: z.number(),
  gopDurationTicks: z.number(),
  lastPublishedAtMs: z.number().nullable(),
});
const entrySchema = z.object({
  gop: z.number(),
  delayMs: z.number().nullish(),
  encoderId: z.string().nullish(),
  renditions: z.array(z.object({ bytes: z.number() })).default([]),
});

/** The newest GOP on air of a channel. */
export interface NewestGop {
  gop: number;
  /** From its sealing at the relay to its publication; null where it is not known. */
  delayMs: number | null;
  encoderId: string | null;
  /** Bytes of all its renditions. */
  bytes: number;
}

/** What the collector reads of an OriginChannel. */
export type PublishedChannel = z.infer<typeof channelSchema>;

const understood = <T extends z.ZodType>(schema: T, answer: unknown): z.output<T> => {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new SwarmError('internal', `The origin answered garbage: ${parsed.error.issues[0]?.message}.`);
};

/** The origin as the collector sees it: owners, and how late GOPs are published. */
export class OriginView {
  private readonly newest = new Map<string, NewestGop>();

  constructor(private readonly url: string) {}

  /** @throws SwarmError unavailable, timeout */
  async channels(): Promise<PublishedChannel[]> {
    const answer = await callJson(`${this.url}/channels`, { timeoutMs: TIMEOUT_MS });
    const channels = understood(z.array(channelSchema), answer);
    const ids = new Set(channels.map((c) => c.id));
    for (const id of this.newest.keys()) if (!ids.has(id)) this.newest.delete(id);
    return channels.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @throws SwarmError unknown-channel, unavailable, timeout */
  async channel(id: string): Promise<PublishedChannel> {
    const answer = await callJson(`${this.url}/channels/${id}`, { timeoutMs: TIMEOUT_MS });
    return understood(channelSchema, answer);
  }

  /**
   * The newest GOP on air; null if it is not known. Asks the origin only when there is a newer one than last time.
   */
  async newestGop({ id, nextGop }: PublishedChannel): Promise<NewestGop | null> {
    const newest = nextGop - 1;
    const known = this.newest.get(id);
    if (newest < 0 || known?.gop === newest) return known ?? null;
    try {
      const url = `${this.url}/channels/${id}/ledger?from=${newest}&to=${nextGop}`;
      const [entry] = understood(z.array(entrySchema), await callJson(url, { timeoutMs: TIMEOUT_MS }));
      const gop: NewestGop = {
        gop: newest,
        delayMs: entry?.delayMs ?? null,
        encoderId: entry?.encoderId ?? null,
        bytes: (entry?.renditions ?? []).reduce((sum, { bytes }) => sum + bytes, 0),
      };
      this.newest.set(id, gop);
      return gop;
    } catch {
      // A figure for charts: the next poll asks again.
      return null;
    }
  }
}
