import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import {
  SwarmError,
  swarmControl,
  swarmWorkflowId,
  type ChannelSpec,
  type SwarmProgress,
  type SwarmRules,
  type SwarmWorkflowState,
} from '../domain';
import { withinDeadline } from '../platform/deadline';
import { noSwarm } from '../temporal/calls';
import { readSwarmChannels, type SwarmChannels, type SwarmQuery } from '../temporal/swarm-channels';
import { deadlinesMs, keptMs } from './deadlines';
import { KeptReading, valueOf } from './kept-reading';

/** Rules and channels of a swarm that runs. */
export type SwarmPresent = SwarmRules & { channels: ChannelSpec[] };

/**
 * Policy, cordons and channels as the swarm's workflow has them: the one place that they are read from. An answer is
 * never older than its question, so that whoever asks after a cordon knows of it.
 */
export class SwarmView {
  /** What the swarm answered last; null before it did. */
  lastRules: SwarmRules | null = null;
  private known: SwarmChannels | null = null;
  private readonly read: KeptReading<SwarmRules | null>;

  /** @param query its failures are SwarmErrors, or WorkflowNotFoundError where no swarm of this cell runs or ran */
  constructor(
    private readonly cell: string,
    private readonly query: SwarmQuery,
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
    if (this.known?.revision !== channelsRevision) this.known = await readSwarmChannels(this.query);
    return this.known.channels;
  }

  /** @throws SwarmError unavailable, also where there is no swarm; timeout */
  async present(): Promise<SwarmPresent> {
    const rules = await this.rules();
    if (!rules) throw noSwarm();
    return { ...rules, channels: await this.channels(rules) };
  }

  /** All that the swarm keeps, for people. @throws SwarmError unavailable, also where there is no swarm; timeout */
  async state(): Promise<SwarmWorkflowState> {
    const [{ channelsRevision: _, ...present }, progress] = await Promise.all([
      this.present(),
      this.query<SwarmProgress>(swarmControl.progress),
    ]);
    return { cell: this.cell, ...present, ...progress };
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
}

/** Queries of a cell's swarm by a worker's client, each with a deadline. */
export const swarmQueryOf =
  (cell: string, temporal: () => Client): SwarmQuery =>
  async <T>(name: string, ...args: unknown[]): Promise<T> => {
    const client = temporal();
    const answer = client.withDeadline(Date.now() + deadlinesMs.swarm, () =>
      client.workflow.getHandle(swarmWorkflowId(cell)).query<T, unknown[]>(name, ...args),
    );
    try {
      // A second guard: a deadline of gRPC alone has been seen not to fire.
      return await withinDeadline('The swarm workflow', deadlinesMs.swarm + 100, answer);
    } catch (error) {
      if (error instanceof SwarmError || error instanceof WorkflowNotFoundError) throw error;
      throw new SwarmError('unavailable', `The swarm workflow can't be asked: ${(error as Error).message}`);
    }
  };
