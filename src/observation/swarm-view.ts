import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import {
  SwarmError,
  swarmControl,
  swarmWorkflowId,
  type ChannelPage,
  type ChannelSpec,
  type SwarmRules,
} from '../domain';
import { withinDeadline } from '../platform/deadline';
import { deadlinesMs, keptMs } from './deadlines';
import { KeptReading, valueOf } from './kept-reading';

/** Some 700 bytes a channel, and 2 MiB at most for the answer of a query. */
const CHANNELS_PER_PAGE = 1_000;
/** The list changed while it was read. */
const READ_AGAIN_AT_MOST = 3;

/**
 * Policy, cordons and channels as the swarm's workflow has them: the one place that they are read from. An answer is
 * never older than its question, so that whoever asks after a cordon knows of it.
 */
export class SwarmView {
  /** What the swarm answered last; null before it did. */
  lastRules: SwarmRules | null = null;
  private known: { revision: string; channels: ChannelSpec[] } | null = null;
  private readonly read: KeptReading<SwarmRules | null>;

  constructor(
    private readonly cell: string,
    private readonly temporal: () => Client,
  ) {
    const terms = { keptMs: keptMs.swarm, deadlineMs: deadlinesMs.swarm };
    this.read = new KeptReading('The swarm workflow', () => this.readRules(), terms);
  }

  /**
   * @returns null where no swarm of this cell runs or ran
   * @throws SwarmError unavailable, timeout
   */
  async rules(): Promise<SwarmRules | null> {
    return valueOf(await this.read.now());
  }

  /** All channels, as of some moment after `rules` were read. @throws SwarmError unavailable, timeout */
  async channels({ channelsRevision }: SwarmRules): Promise<ChannelSpec[]> {
    if (this.known?.revision === channelsRevision) return this.known.channels;
    for (let attempt = 1; ; attempt += 1) {
      const read = await this.readAll();
      if (read) {
        this.known = read;
        return read.channels;
      }
      if (attempt < READ_AGAIN_AT_MOST) continue;
      throw new SwarmError('unavailable', 'The list of channels changed each time that it was read.');
    }
  }

  private async readRules(): Promise<SwarmRules | null> {
    try {
      this.lastRules = await this.query<SwarmRules>(swarmControl.rules);
      return this.lastRules;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /** Null where the list changed between two pages. */
  private async readAll(): Promise<{ revision: string; channels: ChannelSpec[] } | null> {
    const channels: ChannelSpec[] = [];
    let revision: string | null = null;
    for (;;) {
      const page: ChannelPage = await this.query<ChannelPage>(swarmControl.channels, {
        from: channels.length,
        limit: CHANNELS_PER_PAGE,
      });
      revision ??= page.revision;
      if (page.revision !== revision) return null;
      channels.push(...page.channels);
      if (channels.length >= page.total || page.channels.length === 0) return { revision, channels };
    }
  }

  private async query<T>(name: string, ...args: unknown[]): Promise<T> {
    const client = this.temporal();
    const answer = client.withDeadline(Date.now() + deadlinesMs.swarm, () =>
      client.workflow.getHandle(swarmWorkflowId(this.cell)).query<T, unknown[]>(name, ...args),
    );
    try {
      // A second guard: a deadline of gRPC alone has been seen not to fire.
      return await withinDeadline('The swarm workflow', deadlinesMs.swarm + 100, answer);
    } catch (error) {
      if (error instanceof SwarmError || error instanceof WorkflowNotFoundError) throw error;
      throw new SwarmError('unavailable', `The swarm workflow can't be asked: ${(error as Error).message}`);
    }
  }
}
