import type { InjectedFault } from './injector';
import type { NoticedLoss, SeenEntry } from './watcher';

/** A kill of an encoder host, and what the swarm made of it. */
export interface KilledHost {
  encoderId: string;
  killedAtMs: number;
  /** Channels that it owned. */
  channels: string[];
  /** Kill to the sentinel's word; null: it never said so. */
  detectedMs: number | null;
  /** Per channel: the sentinel's word to the first GOP that another session published, in GOPs. */
  resumedGops: number[];
  /** Another fault lay on the control path or the media path meanwhile. */
  disturbed: boolean;
}

/** A loss noticed later than this belongs to something else. */
const NOTICED_WITHIN_MS = 30_000;
/** Faults so shortly before may still be at work. */
const AFTERMATH_MS = 8_000;

/** Measures every SIGKILL of an encoder host that owned channels. Pure. */
export const measureKills = (options: {
  kills: readonly { fault: InjectedFault; channels: readonly string[] }[];
  faults: readonly InjectedFault[];
  noticed: readonly NoticedLoss[];
  ledgers: ReadonlyMap<string, readonly SeenEntry[]>;
  gopMs: number;
}): KilledHost[] =>
  options.kills.map(({ fault, channels }) => {
    const { part: encoderId, beganAtMs: killedAtMs } = fault;
    const loss = options.noticed.find(
      (n) =>
        n.encoderId === encoderId && n.atMs >= killedAtMs - 50 && n.atMs < killedAtMs + NOTICED_WITHIN_MS,
    );
    const resumed = loss
      ? channels.flatMap((id) => firstFromAnother(options.ledgers.get(id) ?? [], encoderId, killedAtMs) ?? [])
      : [];
    const lastMs = Math.max(killedAtMs, ...resumed);
    return {
      encoderId,
      killedAtMs,
      channels: [...channels],
      detectedMs: loss ? Math.max(0, loss.atMs - killedAtMs) : null,
      resumedGops: loss ? resumed.map((atMs) => Math.max(0, atMs - loss.atMs) / options.gopMs) : [],
      disturbed: options.faults.some(
        (other) =>
          other !== fault &&
          other.skipped === null &&
          other.beganAtMs <= lastMs &&
          (other.endedAtMs ?? Infinity) + AFTERMATH_MS >= killedAtMs,
      ),
    };
  });

/** When the first GOP after the kill came from another session than the one that published before it. */
const firstFromAnother = (
  entries: readonly SeenEntry[],
  encoderId: string,
  killedAtMs: number,
): number | null => {
  const before = entries.findLast((e) => e.publishedAtMs < killedAtMs);
  if (before?.encoderId !== encoderId) return null;
  const after = entries.find((e) => e.gop > before.gop && e.sessionId !== before.sessionId && !e.gapReason);
  return after?.publishedAtMs ?? null;
};
