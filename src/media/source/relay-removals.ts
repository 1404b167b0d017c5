import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeDirectoryDurably, replacePrivateFile } from '../../platform/durable-file';
import type { Logger } from '../../platform/logger';
import { pause } from '../../platform/retry';
import { SerialQueue } from '../../platform/serial-queue';
import type { RelayLink } from './relay-link';

const fileSchema = z.array(z.object({ relay: z.string(), channel: z.string() }));

const NONE = '[]';
const TRY_AGAIN_MS = 1_000;

/**
 * Of several relays, those that were away when a channel was removed take it away once they answer: whoever removes it goes
 * on with those that do. With one relay it waits for that. What is still to be told is in
 * `<stateDir>/source/removals.json`, so that it outlives a restart of the source.
 */
export class RelayRemovals {
  private readonly path: string;
  private readonly writes = new SerialQueue('source');
  private readonly stopping = new AbortController();
  private trying: Promise<void> | null = null;
  private written = NONE;

  constructor(
    stateDir: string,
    private readonly relays: readonly RelayLink[],
    private readonly log: Logger,
  ) {
    this.path = join(stateDir, 'source', 'removals.json');
    for (const relay of relays)
      relay.onTold = async () => {
        if (this.written !== NONE) await this.save();
      };
  }

  /** Takes up what the last run had still to tell; an entry of a relay that is none any more is left out. Never throws. */
  async load(): Promise<void> {
    let found: z.output<typeof fileSchema>;
    try {
      const text = await readFile(this.path, 'utf8');
      found = fileSchema.parse(JSON.parse(text));
      this.written = text;
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT')
        this.log.warn({ err, path: this.path }, 'which relays keep a removed channel is not known');
      return;
    }
    for (const { relay: name, channel } of found)
      this.relays.find((relay) => relay.name === name)?.untold.add(channel);
    this.goOn();
  }

  /** Takes a channel away at all of several relays; one that does not answer is told later. Never throws. */
  async takeAway(channelId: string): Promise<void> {
    if (this.relays.length < 2) return;
    await Promise.all(this.relays.map((relay) => this.tell(relay, channelId)));
    await this.save();
    this.goOn();
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.trying;
  }

  private async tell(relay: RelayLink, channelId: string): Promise<void> {
    try {
      await relay.removeChannel(channelId, this.stopping.signal);
    } catch (err) {
      this.log.debug({ err, relay: relay.name, channel: channelId }, 'a relay has not taken a channel away');
    }
  }

  private get isAllTold(): boolean {
    return this.relays.every(({ untold }) => untold.size === 0);
  }

  private goOn(): void {
    if (this.isAllTold) return;
    this.trying ??= this.tryAgain().finally(() => {
      this.trying = null;
    });
  }

  /** Each relay in its own time, one channel after the other. */
  private async tryAgain(): Promise<void> {
    const { signal } = this.stopping;
    const tellAll = async (relay: RelayLink): Promise<void> => {
      for (const channelId of [...relay.untold]) {
        await this.tell(relay, channelId);
        if (relay.untold.has(channelId) || signal.aborted) return;
        this.log.info({ relay: relay.name, channel: channelId }, 'a relay took a removed channel away, late');
      }
    };
    while (!this.isAllTold && !signal.aborted) {
      await pause(TRY_AGAIN_MS, signal);
      if (signal.aborted) return;
      await Promise.all(this.relays.map(tellAll));
    }
  }

  private save(): Promise<void> {
    return this.writes.run(async () => {
      const entries = this.relays.flatMap(({ name, untold }) =>
        [...untold].map((channel) => ({ relay: name, channel })),
      );
      const text = JSON.stringify(entries);
      if (text === this.written) return;
      try {
        await makeDirectoryDurably(dirname(this.path));
        await replacePrivateFile(this.path, text);
        this.written = text;
      } catch (err) {
        this.log.warn({ err }, 'which relays keep a removed channel is not written');
      }
    });
  }
}
