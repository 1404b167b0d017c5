import type { LedgerEntry, OriginChannel, OriginClient } from '../contracts/origin';
import { deadlinesMs } from './deadlines';

/** Ledger entries of the newest GOPs on air. They never change: each is asked for once, when its GOP is the newest. */
export class NewestGops {
  private readonly entries = new Map<string, LedgerEntry>();

  constructor(private readonly origin: Pick<OriginClient, 'ledger'>) {}

  /** The entry of the newest GOP; null where it is not known. */
  async of({ id, nextGop }: Pick<OriginChannel, 'id' | 'nextGop'>): Promise<LedgerEntry | null> {
    const newest = nextGop - 1;
    const known = this.entries.get(id) ?? null;
    if (newest < 0 || known?.gop === newest) return known;
    try {
      const [entry] = await this.origin.ledger(id, newest, nextGop, { timeoutMs: deadlinesMs.observe });
      if (entry) this.entries.set(id, entry);
      return entry ?? null;
    } catch {
      // A figure for charts: the next look asks again.
      return null;
    }
  }

  /** The newest entries that were ever read, by channel. */
  get last(): Record<string, LedgerEntry> {
    return Object.fromEntries(this.entries);
  }

  /** Drops all other channels. */
  keepOnly(channelIds: Iterable<string>): void {
    const present = new Set(channelIds);
    for (const id of this.entries.keys()) if (!present.has(id)) this.entries.delete(id);
  }
}
