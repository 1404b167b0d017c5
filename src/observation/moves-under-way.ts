import type { Client } from '@temporalio/client';
import { searchAttributeNames, type MoveReason } from '../domain';
import { deadlinesMs, keptMs } from './deadlines';
import { KeptReading } from './kept-reading';

/** Moves that ended longer ago than any sensible rest of a channel are not asked for. */
const LOOK_BACK_MS = 10 * 60_000;
const LISTED_AT_MOST = 500;

export interface ChannelMoves {
  moving: boolean;
  movedAtMs: number | null;
}

/** Which channels are being moved, and when each was moved last: from Temporal's own list of workflows. */
export class MovesUnderWay {
  private readonly listed: KeptReading<Map<string, ChannelMoves>>;

  constructor(
    private readonly cell: string,
    private readonly temporal: () => Client,
  ) {
    const terms = { keptMs: keptMs.moves, deadlineMs: deadlinesMs.observe };
    this.listed = new KeptReading('Temporal', () => this.list(Date.now()), terms);
  }

  /** As of now; as last known where Temporal does not answer in time. */
  async read(): Promise<ReadonlyMap<string, ChannelMoves>> {
    return (await this.listed.now()).value ?? new Map<string, ChannelMoves>();
  }

  private async list(nowMs: number): Promise<Map<string, ChannelMoves>> {
    const { cell, channel, reason } = searchAttributeNames;
    const since = new Date(nowMs - LOOK_BACK_MS).toISOString();
    const query =
      `${cell} = "${this.cell}" AND WorkflowType IN ("handoff", "recovery") ` +
      `AND (ExecutionStatus = "Running" OR CloseTime > "${since}")`;
    const moves = new Map<string, ChannelMoves>();
    let listed = 0;
    for await (const info of this.temporal().workflow.list({ query, pageSize: LISTED_AT_MOST })) {
      if ((listed += 1) > LISTED_AT_MOST) break;
      const attributes = new Map(
        info.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value as unknown]),
      );
      const channelId = attributes.get(channel);
      if (typeof channelId !== 'string') continue;
      const known = moves.get(channelId) ?? { moving: false, movedAtMs: null };
      const isRunning = info.status.name === 'RUNNING';
      // The first placement is no move: a channel just added may be moved at once.
      const endedAtMs = (attributes.get(reason) as MoveReason) === 'start' ? null : info.closeTime?.getTime();
      moves.set(channelId, {
        moving: known.moving || isRunning,
        movedAtMs: endedAtMs ? Math.max(known.movedAtMs ?? 0, endedAtMs) : known.movedAtMs,
      });
    }
    return moves;
  }
}
