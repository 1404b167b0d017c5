import type { DeclaredGap } from '../../contracts/origin';
import { TICKS_PER_SECOND, gopStartTicks, type Splice } from '../../domain';
import type { FoundSound } from '../packaging';
import { cutsUpTo, recordedSplices, splicesStillOn } from './gop-cuts';
import type { PublishAttempt } from './ownership';
import type { LedgerRecord, Period, RenditionRecord, SoundRecord } from './records';

/** Programme time is this far from the wall clock at most before it is read anew instead of being drawn back. */
const LONGEST_DRAWN_BACK_MS = 60_000;

/** Programme time is so far from the line of its period at most: players of DASH stay farther from the live edge. */
const MOST_OFF_GOPS = 2;

/**
 * Makes ledger records: each carries where it stands on the channel's wall clock and how many
 * discontinuities came before it, so that playlists need no history beyond their window.
 */

const durationMs = (gops: number, gopDurationTicks: number): number =>
  (gops * gopDurationTicks * 1000) / TICKS_PER_SECOND;

/** Renditions with their parameter sets, in an order of no account. */
const formatsOf = (renditions: readonly RenditionRecord[]): string =>
  renditions
    .map((r) => `${r.name}=${r.parameterSets}`)
    .sort()
    .join();

/** The sound of a GOP; what it has none of is what it was before. */
const soundOf = (
  found: readonly (FoundSound & { pieceBytes?: number[] })[] | undefined,
  previous: readonly SoundRecord[] | undefined,
): SoundRecord[] | undefined =>
  found?.flatMap(({ track, bytes, format, pieceBytes }): SoundRecord[] => {
    const pieces = pieceBytes && { pieceBytes };
    if (format) return [{ track, bytes, ...pieces, ...format }];
    const before = previous?.find((sound) => sound.track === track);
    if (!before) return [];
    const { pieceBytes: _pieceBytes, ...known } = before;
    return [{ ...known, bytes: 0 }];
  });

/** True where a player must start its decoders of sound anew. What is not known of either side has not changed. */
const soundChanged = (
  before: readonly SoundRecord[] | undefined,
  now: readonly SoundRecord[] | undefined,
): boolean => {
  const named = (sound: readonly SoundRecord[]): string =>
    sound.map(({ track, configuration }) => `${track}=${configuration}`).join();
  return before !== undefined && now !== undefined && named(before) !== named(now);
};

/** The period of a record. */
export const periodOf = (record: LedgerRecord, gopDurationTicks: number): Period =>
  record.period ?? {
    gop: 0,
    startMs: Math.round(record.programDateTimeMs - durationMs(record.gop, gopDurationTicks)),
  };

const isDeclaredBetween = (at: number | null, lastGop: number, gop: number): boolean =>
  at !== null && lastGop < at && at <= gop;

/**
 * Programme time of a GOP: where the GOP before puts it, as long as that is near the time when the relay received it.
 * Where the contribution stood still for more than a GOP, it is read anew. Where it runs ahead of the wall clock by more
 * than half a GOP (the contribution's clock is fast, or it came in a burst), it is drawn back: each GOP counts for half
 * its length until it is there, so that time goes on. Further ahead than a minute, a clock was wrong: it is read anew.
 */
export const programTimeMs = (expectedMs: number, measuredMs: number, gopMs: number): number => {
  const aheadMs = expectedMs - measuredMs;
  if (aheadMs < -gopMs || aheadMs > LONGEST_DRAWN_BACK_MS) return measuredMs;
  return expectedMs - Math.min(Math.max(0, aheadMs - gopMs / 2), gopMs / 2);
};

/**
 * The record of a GOP now published.
 * Its discontinuity count goes up where a rendition comes, goes or changes its parameter sets, and where the change of
 * owner before it declared one. The count is
 * the channel's, not the rendition's: RFC 8216, 6.2.4 wants matching content of all variants to have matching
 * discontinuity sequence numbers.
 * Its programme time follows from the GOP before (see programTimeMs). Where that has left the line of its period by more
 * than MOST_OFF_GOPS, and at a discontinuity, another period begins.
 */
export const publishedRecord = (options: {
  attempt: PublishAttempt;
  renditions: RenditionRecord[];
  sealedAtMs: number;
  publishedAtMs: number;
  gopDurationTicks: number;
  previous: LedgerRecord | undefined;
  /** Formats to compare with; undefined: nothing was published, or so long ago that it is forgotten. */
  previousPublished: LedgerRecord | undefined;
  /** See OwnershipState; absent: none was declared. */
  discontinuityAt?: number | null;
  /** Absent: not known. */
  sound?: readonly (FoundSound & { pieceBytes?: number[] })[];
  /** Where its segments are cut; absent: they are whole. */
  cutTicks?: number[];
  /** As the relay's ledger has them. */
  splices?: Splice[];
}): LedgerRecord => {
  const { attempt, previous, previousPublished } = options;
  const gopMs = durationMs(1, options.gopDurationTicks);
  const measuredMs = options.sealedAtMs - gopMs;
  const expectedMs = previous
    ? previous.programDateTimeMs + durationMs(attempt.gop - previous.gop, options.gopDurationTicks)
    : measuredMs;
  const sound = soundOf(options.sound, previousPublished?.sound);
  const changed =
    previous !== undefined &&
    (previousPublished === undefined ||
      formatsOf(previousPublished.renditions) !== formatsOf(options.renditions) ||
      soundChanged(previousPublished.sound, sound) ||
      isDeclaredBetween(options.discontinuityAt ?? null, previousPublished.gop, attempt.gop));
  const programDateTimeMs = programTimeMs(expectedMs, measuredMs, gopMs);
  const goesOn = previous && !changed ? periodOf(previous, options.gopDurationTicks) : undefined;
  const isInLine =
    goesOn !== undefined &&
    Math.abs(
      programDateTimeMs - goesOn.startMs - durationMs(attempt.gop - goesOn.gop, options.gopDurationTicks),
    ) <=
      MOST_OFF_GOPS * gopMs;
  return {
    gop: attempt.gop,
    token: attempt.token,
    encoderId: attempt.encoderId,
    sessionId: attempt.sessionId,
    publishedAtMs: options.publishedAtMs,
    sealedAtMs: options.sealedAtMs,
    renditions: options.renditions,
    programDateTimeMs,
    discontinuities: (previous?.discontinuities ?? 0) + (changed ? 1 : 0),
    ...(sound && { sound }),
    period: isInLine ? goesOn : { gop: attempt.gop, startMs: Math.round(programDateTimeMs) },
    ...(options.cutTicks && { cutTicks: options.cutTicks }),
    ...cutsUpTo(previous),
    ...(options.splices && {
      splices: recordedSplices(
        options.splices,
        { startTicks: gopStartTicks(attempt.gop, options.gopDurationTicks), startMs: programDateTimeMs },
        previous,
      ),
    }),
  };
};

/**
 * The record of a GOP of which a part was public: what was said of it stays. A format of sound that its beginning did not
 * show may still make it a discontinuity.
 */
export const asAnnounced = (record: LedgerRecord, announced: LedgerRecord): LedgerRecord => ({
  ...record,
  programDateTimeMs: announced.programDateTimeMs,
  discontinuities: Math.max(record.discontinuities, announced.discontinuities),
});

/** The records of a gap, one per GOP; of a gap longer than `atMost` GOPs, the last of them. */
export const gapRecords = (options: {
  gap: DeclaredGap;
  declaredAtMs: number;
  gopDurationTicks: number;
  previous: LedgerRecord | undefined;
  atMost: number;
}): LedgerRecord[] => {
  const { gap, previous } = options;
  const first = Math.max(gap.fromGop, gap.toGop - options.atMost);
  return Array.from({ length: gap.toGop - first }, (_, i) => ({
    gop: first + i,
    token: gap.token,
    encoderId: null,
    sessionId: null,
    publishedAtMs: options.declaredAtMs,
    sealedAtMs: null,
    renditions: [],
    gapReason: gap.reason,
    programDateTimeMs: previous
      ? previous.programDateTimeMs + durationMs(first + i - previous.gop, options.gopDurationTicks)
      : options.declaredAtMs - durationMs(gap.toGop - first - i, options.gopDurationTicks),
    discontinuities: previous?.discontinuities ?? 0,
    ...cutsUpTo(previous),
    ...(splicesStillOn(previous).length > 0 && { splices: splicesStillOn(previous) }),
    ...(previous && { period: periodOf(previous, options.gopDurationTicks) }),
  }));
};
