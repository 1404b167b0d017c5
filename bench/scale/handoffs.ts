import type { Client } from '@temporalio/client';
import {
  channelControl,
  channelWorkflowId,
  seededRandom,
  type MoveRequest,
  type MoveResult,
} from '../../src/domain';
import { channelOfCell, type CellSize } from './cell';

export interface Handoffs {
  completed: number;
  /** Refused, compensated or not answered in time, with why, and how often. */
  others: Map<string, number>;
  seconds: number;
  tookMs: number[];
}

const ANSWER_MS = 60_000;
const MOST_WORDS = 120;

/** Has channels moved to the fittest encoder, so many at a time, each channel once before any is moved again. */
export const driveHandoffs = async (
  client: Client,
  cell: CellSize,
  options: { seed: number; atOnce: number; forMs: number },
): Promise<Handoffs> => {
  const random = seededRandom(options.seed);
  const order = Array.from({ length: cell.channels }, (_, i) => ({ i, at: random() })).sort(
    (a, b) => a.at - b.at,
  );
  const startedAt = performance.now();
  const endsAt = startedAt + options.forMs;
  const done: Handoffs = { completed: 0, others: new Map(), seconds: 0, tookMs: [] };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const turn = next;
      next += 1;
      const { id } = channelOfCell(order[turn % order.length]!.i);
      const request: MoveRequest = {
        requestId: `scale-${options.seed}-${turn}`,
        reason: 'operator',
        requestedBy: 'bench:scale',
        requestedAtMs: Date.now(),
      };
      const askedAt = performance.now();
      const outcome = await client
        .withDeadline(Date.now() + ANSWER_MS, () =>
          client.workflow
            .getHandle(channelWorkflowId(id))
            .executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, { args: [request] }),
        )
        .then(
          ({ outcome: how, failure }) =>
            how === 'completed' ? 'completed' : `${how}: ${failure?.message ?? ''}`,
          (error: unknown) => String((error as Error).cause ?? error),
        );
      if (outcome === 'completed') {
        done.completed += 1;
        done.tookMs.push(performance.now() - askedAt);
      } else {
        const why = outcome.replaceAll(/\d+/g, 'N').slice(0, MOST_WORDS);
        done.others.set(why, (done.others.get(why) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.atOnce, Math.ceil(cell.channels / 2)) }, lane));
  // All that was begun counts, and so does the time until the last of it has ended.
  done.seconds = (performance.now() - startedAt) / 1_000;
  return done;
};
