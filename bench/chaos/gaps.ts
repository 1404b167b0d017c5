import type { EdgeSample, SeenEntry } from './watcher';

export interface DeclaredGap {
  channelId: string;
  gop: number;
  seenAtMs: number;
  reason: string;
  /** GOPs between this one and the one that arrived at the relay when the gap was seen; null: not known. */
  behindGops: number | null;
  /** Whether the relay's ring can't have had it any more. */
  justified: boolean;
}

/**
 * Judges the gaps of a channel. A GOP counts as out of reach once as many GOPs came after it as the ring holds: what
 * a relay has lost before that was lost by a fault, not by time. One GOP of grace, for the time between looks.
 */
export const judgeGaps = (options: {
  channelId: string;
  entries: readonly SeenEntry[];
  /** In order of time. */
  edges: readonly EdgeSample[];
  ringGops: number;
}): DeclaredGap[] =>
  options.entries.flatMap(({ gop, seenAtMs, gapReason }) => {
    if (gapReason === undefined) return [];
    const edge = options.edges.find((sample) => sample.atMs >= seenAtMs) ?? options.edges.at(-1);
    const behindGops = edge ? edge.openGop - gop : null;
    return [
      {
        channelId: options.channelId,
        gop,
        seenAtMs,
        reason: gapReason,
        behindGops,
        justified: behindGops !== null && behindGops >= options.ringGops - 1,
      },
    ];
  });
