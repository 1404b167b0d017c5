import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { OriginClient, type LedgerEntry, type OriginChannel } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';

const POLL_MS = 500;
const ASK_WITHIN_MS = 1_500;

/** A line of the origin's ledger, and when this process first saw it: no clock jump moves that time. */
export type SeenEntry = LedgerEntry & { seenAtMs: number };

/** GOP that arrived at the relay at a moment. */
export interface EdgeSample {
  atMs: number;
  openGop: number;
}

/** Encoder hosts that the sentinel gave up, as it wrote to its log. */
export interface NoticedLoss {
  encoderId: string;
  evidence: string;
  atMs: number;
}

/** Follows relay and origin from outside, and keeps what they said. One that is away is asked again. */
export class Watcher {
  readonly ledgers = new Map<string, SeenEntry[]>();
  readonly edges = new Map<string, EdgeSample[]>();
  /** Entries that are reported differently than before. */
  readonly changedEntries: string[] = [];
  channels: OriginChannel[] = [];
  private timer: NodeJS.Timeout | null = null;
  private looks: Promise<void> = Promise.resolve();
  private ended = false;

  private readonly origin: OriginClient;
  private readonly relay: RelayClient;

  constructor(options: { originUrl: string; relayUrl: string }) {
    this.origin = new OriginClient(options.originUrl);
    this.relay = new RelayClient(options.relayUrl);
  }

  start(): void {
    void this.poll().then(() => {
      if (!this.ended) this.timer = setTimeout(() => this.start(), POLL_MS);
    });
  }

  async stop(): Promise<void> {
    this.ended = true;
    if (this.timer) clearTimeout(this.timer);
    await this.looks;
  }

  /** Owner of a channel as last seen. */
  ownerOf(channelId: string): string | null {
    return this.channels.find((c) => c.id === channelId)?.owner?.encoderId ?? null;
  }

  /** Reads once more, after the look that is under way: two at once would each enter what is new. */
  poll(): Promise<void> {
    this.looks = this.looks.then(async () => {
      await Promise.allSettled([this.readRelay(), this.readOrigin()]);
    });
    return this.looks;
  }

  private async readRelay(): Promise<void> {
    const channels = await this.relay.channels({ timeoutMs: ASK_WITHIN_MS });
    for (const { id, openGop } of channels) {
      if (openGop === null) continue;
      const samples = this.edges.get(id) ?? [];
      this.edges.set(id, samples);
      samples.push({ atMs: Date.now(), openGop });
    }
  }

  private async readOrigin(): Promise<void> {
    this.channels = await this.origin.channels({ timeoutMs: ASK_WITHIN_MS });
    // All of them are waited for: one channel's failure does not end the look at the others.
    await Promise.allSettled(
      this.channels.map(async ({ id, nextGop }) => {
        const known = this.ledgers.get(id) ?? [];
        this.ledgers.set(id, known);
        const last = known.at(-1);
        if (nextGop === 0 || last?.gop === nextGop - 1) return;
        // The last one known is read again, to see whether the past is reported differently now.
        const entries = await this.origin.ledger(id, last?.gop ?? 0, nextGop, { timeoutMs: ASK_WITHIN_MS });
        const seenAtMs = Date.now();
        for (const entry of entries) {
          if (last && entry.gop === last.gop) this.compare(id, last, entry);
          else known.push({ ...entry, seenAtMs });
        }
      }),
    );
  }

  /** Reads the whole ledger again and compares it with what was seen as it grew. */
  async compareAll(channelId: string): Promise<void> {
    const seen = this.ledgers.get(channelId) ?? [];
    const ledger = await this.origin.wholeLedger(channelId);
    const now = new Map(ledger.map((entry) => [entry.gop, entry]));
    const oldest = Math.min(...now.keys());
    for (const entry of seen) {
      const again = now.get(entry.gop);
      if (again) this.compare(channelId, entry, again);
      else if (entry.gop > oldest)
        this.changedEntries.push(`${channelId}: GOP ${entry.gop} is gone from the ledger`);
    }
  }

  private compare(channelId: string, before: LedgerEntry, now: LedgerEntry): void {
    const facts = ({ token, encoderId, sessionId, gapReason }: LedgerEntry): string =>
      JSON.stringify([token, encoderId, sessionId, gapReason ?? null]);
    if (facts(before) === facts(now)) return;
    this.changedEntries.push(
      `${channelId}: GOP ${before.gop} was ${facts(before)}, is reported as ${facts(now)}`,
    );
  }
}

const lossSchema = z.object({
  signal: z.literal('encoderLost'),
  payload: z.object({ encoderId: z.string(), evidence: z.string(), atMs: z.number() }),
});

/** Losses in the log of the collector. */
export const noticedLosses = async (logFile: string): Promise<NoticedLoss[]> => {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    if (!line.includes('encoderLost')) return [];
    try {
      const parsed = lossSchema.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data.payload] : [];
    } catch {
      return [];
    }
  });
};
