import { operations, type MoveRecord } from '../contracts/api';
import { callApi } from '../contracts/api/client';
import { movePathInWords } from '../domain';

const MOVES_ASKED_FOR = 50;

/** Reads the moves of a running swarm from its API, and tells each one that ends once. */
export class MovesWatch {
  private readonly seen = new Map<string, MoveRecord>();
  private timer: NodeJS.Timeout | null = null;
  private reading: Promise<void> = Promise.resolve();

  /** @param options.sinceMs earlier moves do not count */
  constructor(
    private readonly options: {
      apiUrl: string;
      sinceMs: number;
      everyMs: number;
      onEnded: (move: MoveRecord) => void;
    },
  ) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.reading = this.read().finally(() => {
        if (this.timer) this.start();
      });
    }, this.options.everyMs);
  }

  async stop(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    await this.reading;
  }

  /** Every move seen so far, oldest first. */
  moves(): MoveRecord[] {
    return [...this.seen.values()].sort((a, b) => a.requestedAtMs - b.requestedAtMs);
  }

  /** Reads once. An API that does not answer is asked again the next time. */
  async read(): Promise<void> {
    const query = { limit: MOVES_ASKED_FOR };
    const moves = await callApi(this.options.apiUrl, operations.listMoves, { query }).catch(() => []);
    for (const move of moves) {
      if (move.requestedAtMs < this.options.sinceMs) continue;
      const key = `${move.workflowId} ${move.runId}`;
      const before = this.seen.get(key);
      this.seen.set(key, move);
      const hasEnded = (m: MoveRecord | undefined): boolean => m !== undefined && m.outcome !== 'running';
      if (hasEnded(move) && !hasEnded(before)) this.options.onEnded(move);
    }
  }
}

/** A move in one line for people. */
export const moveInWords = (move: MoveRecord): string => {
  const { channelId, reason, outcome, requestToCommitMs } = move;
  const took = requestToCommitMs === null ? '' : `, committed in ${Math.round(requestToCommitMs)} ms`;
  const fault = move.failure ? `: ${move.failure.message}` : '';
  return `${channelId} ${movePathInWords(move)} (${reason}), ${outcome}${took}${fault}`;
};
