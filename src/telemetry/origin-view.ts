import { z } from 'zod';
import { SwarmError } from '../domain';
import { callJson } from '../service/http';

const TIMEOUT_MS = 800;

const channelSchema = z.object({
  id: z.string(),
  token: z.number(),
  owner: z.object({ encoderId: z.string(), sessionId: z.string() }).nullable(),
  nextGop: z.number(),
  lastPublishedAtMs: z.number().nullable(),
});
const entrySchema = z.object({ gop: z.number(), delayMs: z.number().nullish() });

/** What the collector reads of an OriginChannel. */
export type PublishedChannel = z.infer<typeof channelSchema>;

const understood = <T extends z.ZodType>(schema: T, answer: unknown): z.output<T> => {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new SwarmError('internal', `The origin answered garbage: ${parsed.error.issues[0]?.message}.`);
};

/** The origin as the collector sees it: owners, and how late GOPs are published. */
export class OriginView {
  private readonly delays = new Map<string, { gop: number; delayMs: number | null }>();

  constructor(private readonly url: string) {}

  /** @throws SwarmError unavailable, timeout */
  async channels(): Promise<PublishedChannel[]> {
    const answer = await callJson(`${this.url}/channels`, { timeoutMs: TIMEOUT_MS });
    const channels = understood(z.array(channelSchema), answer);
    const ids = new Set(channels.map((c) => c.id));
    for (const id of this.delays.keys()) if (!ids.has(id)) this.delays.delete(id);
    return channels.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @throws SwarmError unknown-channel, unavailable, timeout */
  async channel(id: string): Promise<PublishedChannel> {
    const answer = await callJson(`${this.url}/channels/${id}`, { timeoutMs: TIMEOUT_MS });
    return understood(channelSchema, answer);
  }

  /**
   * Milliseconds from the sealing of the newest GOP at the relay to its publication; null if not known. Asks the
   * origin only when there is a newer GOP than last time.
   */
  async publishDelayMs({ id, nextGop }: PublishedChannel): Promise<number | null> {
    const newest = nextGop - 1;
    const known = this.delays.get(id);
    if (newest < 0 || known?.gop === newest) return known?.delayMs ?? null;
    try {
      const url = `${this.url}/channels/${id}/ledger?from=${newest}&to=${nextGop}`;
      const [entry] = understood(z.array(entrySchema), await callJson(url, { timeoutMs: TIMEOUT_MS }));
      const delayMs = entry?.delayMs ?? null;
      this.delays.set(id, { gop: newest, delayMs });
      return delayMs;
    } catch {
      // A figure for charts: the next poll asks again.
      return null;
    }
  }
}
