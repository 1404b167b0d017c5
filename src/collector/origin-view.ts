import { OriginClient, type OriginChannel } from '../contracts/origin';

const TIMEOUT_MS = 800;

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
export type PublishedChannel = Pick<
  OriginChannel,
  'id' | 'token' | 'owner' | 'nextGop' | 'gopDurationTicks' | 'lastPublishedAtMs'
>;

/** The origin as the collector sees it: owners, and how late GOPs are published. */
export class OriginView {
  private readonly newest = new Map<string, NewestGop>();

  private readonly origin: OriginClient;

  constructor(url: string) {
    this.origin = new OriginClient(url);
  }

  /** @throws SwarmError unavailable, timeout */
  async channels(): Promise<PublishedChannel[]> {
    const channels = await this.origin.channels({ timeoutMs: TIMEOUT_MS });
    const ids = new Set(channels.map((c) => c.id));
    for (const id of this.newest.keys()) if (!ids.has(id)) this.newest.delete(id);
    return channels.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @throws SwarmError unknown-channel, unavailable, timeout */
  channel(id: string): Promise<PublishedChannel> {
    return this.origin.channel(id, { timeoutMs: TIMEOUT_MS });
  }

  /**
   * The newest GOP on air; null if it is not known. Asks the origin only when there is a newer one than last time.
   */
  async newestGop({ id, nextGop }: PublishedChannel): Promise<NewestGop | null> {
    const newest = nextGop - 1;
    const known = this.newest.get(id);
    if (newest < 0 || known?.gop === newest) return known ?? null;
    try {
      const [entry] = await this.origin.ledger(id, newest, nextGop, { timeoutMs: TIMEOUT_MS });
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
