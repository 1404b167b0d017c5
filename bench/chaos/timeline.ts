import { moveInWords } from '../../src/acceptance/moves-watch';
import type { MoveRecord } from '../../src/contracts/api';
import type { DeclaredGap } from './gaps';
import type { InjectedFault } from './injector';
import type { NoticedLoss, SeenEntry } from './watcher';

/** What happened, by this process's clock. */
export interface Timeline {
  beganAtMs: number;
  endedAtMs: number;
  title: string;
  gopMs: number;
  faults: readonly InjectedFault[];
  moves: readonly MoveRecord[];
  ledgers: ReadonlyMap<string, readonly SeenEntry[]>;
  gaps: readonly DeclaredGap[];
  noticed: readonly NoticedLoss[];
  /** Parts that ended and came back, channels that came and went, what the check found. */
  notes: readonly { atMs: number; text: string }[];
}

/** GOPs that came later than usual by this much are listed. */
const LATE_AFTER_GOPS = 1.5;

/** A run of GOPs that one session published. */
export interface Ownership {
  channelId: string;
  encoderId: string;
  token: number;
  fromMs: number;
  toMs: number;
}

/** Who published each channel, from when to when. */
export const ownerships = ({ ledgers, gopMs }: Timeline): Ownership[] =>
  [...ledgers].flatMap(([channelId, entries]) => {
    const spans: Ownership[] = [];
    for (const { encoderId, token, seenAtMs, gapReason } of entries) {
      if (gapReason !== undefined || encoderId === null) continue;
      const last = spans.at(-1);
      if (last?.token === token) last.toMs = seenAtMs;
      else {
        // GOPs that come late leave a hole in the lane; those in time follow each other without one.
        const fromMs = last && seenAtMs - last.toMs < 2 * gopMs ? last.toMs : seenAtMs - gopMs;
        spans.push({ channelId, encoderId, token, fromMs, toMs: seenAtMs });
      }
    }
    return spans;
  });

/** Pauses in what a channel published: the next GOP came later than two GOPs after the one before. */
export const pauses = ({ ledgers, gopMs }: Timeline): { channelId: string; fromMs: number; toMs: number }[] =>
  [...ledgers].flatMap(([channelId, entries]) =>
    entries.flatMap((entry, i) => {
      const before = entries[i - 1];
      const isPause = before && entry.seenAtMs - before.seenAtMs > (1 + LATE_AFTER_GOPS) * gopMs;
      return isPause ? [{ channelId, fromMs: before.seenAtMs, toMs: entry.seenAtMs }] : [];
    }),
  );

const clock = (timeline: Timeline, atMs: number): string => {
  const seconds = Math.max(0, atMs - timeline.beganAtMs) / 1000;
  const minutes = Math.floor(seconds / 60);
  return `${String(minutes).padStart(2, '0')}:${(seconds - 60 * minutes).toFixed(1).padStart(4, '0')}`;
};

/** The timeline as text: a line per event, in order of time. */
export const timelineText = (timeline: Timeline): string => {
  const lines: [atMs: number, mark: string, text: string][] = [];
  for (const fault of timeline.faults) {
    const what = `#${fault.number} ${fault.part}: ${fault.words}`;
    if (fault.skipped !== null) lines.push([fault.beganAtMs, 'skipped', `${what}: ${fault.skipped}`]);
    else {
      lines.push([fault.beganAtMs, 'FAULT', what]);
      if (fault.endedAtMs !== null && fault.endedAtMs - fault.beganAtMs > 100) {
        lines.push([fault.endedAtMs, 'over', `#${fault.number} ${fault.part}: ${fault.kind}`]);
      }
    }
  }
  for (const { encoderId, evidence, atMs } of timeline.noticed)
    lines.push([atMs, 'noticed', `${encoderId} is lost: ${evidence}`]);
  for (const move of timeline.moves) {
    lines.push([move.finishedAtMs ?? move.requestedAtMs, move.kind, moveInWords(move)]);
  }
  for (const { channelId, fromMs, toMs } of pauses(timeline)) {
    lines.push([
      toMs,
      'resumed',
      `${channelId} had published nothing for ${((toMs - fromMs) / 1000).toFixed(1)} s`,
    ]);
  }
  for (const gap of timeline.gaps) {
    const verdict = gap.justified ? 'the ring had it no more' : 'NOT JUSTIFIED';
    lines.push([gap.seenAtMs, 'GAP', `${gap.channelId} GOP ${gap.gop} (${gap.reason}): ${verdict}`]);
  }
  for (const { atMs, text } of timeline.notes) lines.push([atMs, '', text]);
  lines.sort(([one], [other]) => one - other);
  return [
    timeline.title,
    '',
    ...lines.map(([atMs, mark, text]) => `${clock(timeline, atMs)}  ${mark.padEnd(9)} ${text}`),
    '',
  ].join('\n');
};
