import type { Logger } from '../../platform/logger';
import { ChannelTimeline } from './channel-timeline';
import { GopNumberFile } from './gop-number-file';
import type { SourceChannelSpec } from './kept-channel';
import type { RelayLink } from './relay-link';
import { RelayRemovals } from './relay-removals';

/** The timeline of each channel of a source: its GOPs go on when its input is another one. */
export class Timelines {
  private readonly byChannel = new Map<string, ChannelTimeline>();
  private readonly removals: RelayRemovals;

  constructor(
    private readonly stateDir: string,
    private readonly relays: readonly RelayLink[],
    private readonly log: Logger,
  ) {
    this.removals = new RelayRemovals(stateDir, relays, log);
  }

  /** Takes up what the last run left to do, before any channel is fed. */
  resume(): Promise<void> {
    return this.removals.load();
  }

  of({ id, gopDurationTicks }: Pick<SourceChannelSpec, 'id' | 'gopDurationTicks'>): ChannelTimeline {
    const known = this.byChannel.get(id);
    if (known?.gopDurationTicks === gopDurationTicks) return known;
    // Relays refuse another duration until the channel is removed there.
    void known?.close();
    const { relays, log } = this;
    const file = new GopNumberFile(this.stateDir, id, log);
    const timeline = new ChannelTimeline({ id, gopDurationTicks, relays, file, log });
    this.byChannel.set(id, timeline);
    return timeline;
  }

  /** A channel of this name begins anew, where relays do not know it any more either. */
  async forget(id: string): Promise<void> {
    await this.byChannel.get(id)?.close();
    this.byChannel.delete(id);
    // A disk that refuses: what is noted counts for no more than what relays answer.
    await new GopNumberFile(this.stateDir, id, this.log).remove().catch(() => undefined);
    await this.removals.takeAway(id);
  }

  /** Ends all that is sent; the numbers stay for the next run. */
  async close(): Promise<void> {
    await Promise.all([...this.byChannel.values()].map((timeline) => timeline.close()));
    await this.removals.close();
  }
}
