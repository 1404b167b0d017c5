import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OriginClient, type LedgerEntry } from '../../src/contracts/origin';
import { gopStartTicks, type ChannelSpec } from '../../src/domain';
import { FactsReader, type StreamFacts } from '../../src/verify';

const POLL_MS = 1_000;
/** Fetches what a channel publishes, GOP by GOP, as a player would, and keeps what it holds. */
export class Recording {
  /** By rendition, then GOP. */
  readonly facts = new Map<string, StreamFacts[]>();
  readonly entries: LedgerEntry[] = [];
  private readonly stopped = new AbortController();
  private failure: unknown;
  private readonly done: Promise<void>;

  constructor(private readonly options: { originUrl: string; spec: ChannelSpec; folder: string }) {
    this.done = this.follow().catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** All GOPs of a rendition, one after the other. */
  fileOf(rendition: string): string {
    return join(this.options.folder, `${this.options.spec.id}-${rendition}.ts`);
  }

  /** Ends after the GOPs published by now. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.done;
    if (this.failure) throw this.failure as Error;
  }

  private async follow(): Promise<void> {
    const origin = new OriginClient(this.options.originUrl);
    const { id } = this.options.spec;
    for (let next = 0; ;) {
      const last = this.stopped.signal.aborted;
      const entries = await origin.ledger(id, next, next + 1_000, { timeoutMs: 10_000 });
      for (const entry of entries) await this.take(origin, entry);
      next = (entries.at(-1)?.gop ?? next - 1) + 1;
      if (last) return;
      await sleep(POLL_MS, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
  }

  private async take(origin: OriginClient, entry: LedgerEntry): Promise<void> {
    const { spec } = this.options;
    this.entries.push(entry);
    for (const { name } of entry.renditions) {
      const segment = await origin.segment(spec.id, name, entry.gop, AbortSignal.timeout(10_000));
      await appendFile(this.fileOf(name), segment);
      const reader = new FactsReader(gopStartTicks(entry.gop, spec.gopDurationTicks));
      reader.push(segment);
      const facts = reader.end();
      this.facts.set(name, [...(this.facts.get(name) ?? []), facts]);
    }
  }
}
