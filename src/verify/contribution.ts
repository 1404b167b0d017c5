import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RelayClient } from '../contracts/relay';
import { FEED_OFFSET_TICKS, SwarmError, gopOf } from '../domain';
import { openFeed } from '../media/encoder/feed';
import { TransportStreamReader } from '../media/mpegts';
import { temporaryFolder } from '../platform/temporary-folder';

const CALL = { timeoutMs: 5_000 };
const RETRY_AFTER_MS = 500;
/** How long the last GOP is waited for that was published. */
const LAST_GOP_WAIT_MS = 5_000;

/** One connection's share of a feed: GOP `fromGop` stands at FEED_OFFSET_TICKS in it. */
export interface ContributionPiece {
  path: string;
  fromGop: number;
}

/** What a channel was sent over a time, as its relay keeps it. */
export interface Contribution {
  gopDurationTicks: number;
  pieces: ContributionPiece[];
  /** First and last GOP that are whole in it; a hole between them is where a piece begins. */
  firstGop: number;
  lastGop: number;
}

/** Reads a channel's contribution from its relay into files, from the oldest GOP that is kept. */
export class ContributionReader {
  private readonly ended = new AbortController();
  private readonly pieces: ContributionPiece[] = [];
  private gopDurationTicks = 0;
  /** GOP of the picture that came last. */
  private reachedGop = -1;
  private done: Promise<void> = Promise.resolve();

  constructor(private readonly options: { relayUrl: string; channelId: string; folder: string }) {}

  /** @throws SwarmError unavailable, unknown-channel: the relay's, with a hint */
  async start(): Promise<void> {
    const { relayUrl, channelId } = this.options;
    const relay = new RelayClient(relayUrl);
    const channel = await relay.channel(channelId, CALL).catch((error: unknown) => {
      const { code, message } = error as SwarmError;
      throw new SwarmError(
        code ?? 'unavailable',
        `The contribution of ${channelId} can't be read: ${message}`,
        'Name the relay with --relay URL, and verify a channel that is on air.',
      );
    });
    this.gopDurationTicks = channel.gopDurationTicks;
    this.done = this.follow(relay, channel.oldestGop);
  }

  /** Reads on until a GOP is whole, for 5 s at most, and hands over what came. */
  async stop(lastGop: number): Promise<Contribution> {
    const deadlineMs = Date.now() + LAST_GOP_WAIT_MS;
    while (this.reachedGop <= lastGop && Date.now() < deadlineMs) await sleep(100);
    await this.close();
    return {
      gopDurationTicks: this.gopDurationTicks,
      pieces: this.pieces,
      firstGop: this.pieces[0]?.fromGop ?? 0,
      lastGop: this.reachedGop - 1,
    };
  }

  async close(): Promise<void> {
    this.ended.abort();
    await this.done;
  }

  private async follow(relay: RelayClient, oldestGop: number | null): Promise<void> {
    const { signal } = this.ended;
    let fromGop = oldestGop;
    while (!signal.aborted) {
      try {
        fromGop ??= (await relay.channel(this.options.channelId, CALL)).oldestGop;
        if (fromGop !== null) await this.readFrom(fromGop);
        fromGop = Math.max(fromGop ?? 0, this.reachedGop);
      } catch {
        // A relay that starts again, or a GOP that left its ring meanwhile: what stays away shows in what was compared.
        fromGop = null;
      }
      await sleep(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Reads a feed until it ends. */
  private async readFrom(fromGop: number): Promise<void> {
    const { relayUrl, channelId, folder } = this.options;
    const feedUrl = new RelayClient(relayUrl).feedUrl(channelId);
    const feed = await openFeed(feedUrl, fromGop, this.ended.signal);
    const path = join(folder, `${channelId}-contribution-${this.pieces.length}.ts`);
    this.pieces.push({ path, fromGop });
    const reader = new TransportStreamReader({
      onUnit: ({ kind, dtsTicks }) => {
        if (kind === 'video')
          this.reachedGop = fromGop + gopOf(dtsTicks - FEED_OFFSET_TICKS, this.gopDurationTicks);
      },
    });
    const file = createWriteStream(path);
    try {
      for await (const chunk of feed as AsyncIterable<Buffer>) {
        reader.push(chunk);
        if (!file.write(chunk)) await once(file, 'drain');
      }
    } catch (error) {
      if (!this.ended.signal.aborted) throw error;
    } finally {
      file.end();
      await once(file, 'close');
    }
  }
}

/** The contributions of all channels that are verified. */
export class Contributions {
  private folder = '';
  private readonly readers = new Map<string, ContributionReader>();

  /** @throws SwarmError unavailable, unknown-channel: the relay's, with a hint */
  async start(relayUrl: string, channelIds: readonly string[]): Promise<void> {
    this.folder = await temporaryFolder('encoder-swarm-contribution-');
    for (const channelId of new Set(channelIds)) {
      const reader = new ContributionReader({ relayUrl, channelId, folder: this.folder });
      await reader.start();
      this.readers.set(channelId, reader);
    }
  }

  /** @param lastGops the last GOP that was published, by channel */
  async stop(lastGops: ReadonlyMap<string, number>): Promise<Map<string, Contribution>> {
    const stopped = [...this.readers].map(
      async ([id, reader]) => [id, await reader.stop(lastGops.get(id) ?? -1)] as const,
    );
    return new Map(await Promise.all(stopped));
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.readers.values()].map((reader) => reader.close()));
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }
}
