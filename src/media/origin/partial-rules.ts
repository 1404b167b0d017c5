import {
  SPLICE_TOLERANCE_TICKS,
  SwarmError,
  TICKS_PER_SECOND,
  framesPerSecondOf,
  gopStartTicks,
  ticksOf,
} from '../../domain';
import type { FrameRate } from '../../domain';
import type { DeclaredRendition } from './verify-gop';

/**
 * Partial segments (draft-pantos-hls-rfc8216bis, 4.4.4.9): a GOP as far as it has come. What may be added to one, as pure
 * functions; partial-segments.ts keeps them.
 */

/** A stretch of a GOP that is public. */
export interface Partial {
  /** Token under which it was published: with GOP and index it names its bytes. */
  token: number;
  /** Channel time of its first picture, and of the one that follows. */
  startTicks: number;
  endTicks: number;
  /** It begins with an IDR picture. */
  independent: boolean;
  /** By rendition: its place in the segment. */
  places: { fromByte: number; toByte: number }[];
}

/** What is public of a GOP that has not ended. */
export interface OpenGop {
  gop: number;
  token: number;
  /** The encode that it comes from, or its last stretches do: see `ownFrom`. */
  run: string;
  /** Index of the first stretch that comes from this encode. Those before it are of others, which it goes on from. */
  ownFrom: number;
  renditions: readonly DeclaredRendition[];
  /** By rendition: the bytes so far, in the order in which they came. */
  bytes: Buffer[][];
  partials: Partial[];
}

/** What its URL says. */
export interface PartialName {
  gop: number;
  index: number;
  token: number;
}

/** Who adds what. */
export interface PartialAttempt {
  gop: number;
  token: number;
  run: string;
  index: number;
  /** Channel time of the picture that follows. */
  untilTicks: number;
}

/** Beside the last one of a segment, none is shorter than this share of the longest (4.4.4.9). */
const LEAST_SHARE = 0.85;

/** How long partial segments are: whole pictures. 0: as long as a GOP or longer, so that there are none. */
export const partialTicksOf = (
  partialMs: number,
  { framesPerSecond, gopDurationTicks }: { framesPerSecond: FrameRate; gopDurationTicks: number },
): number => {
  const frames = Math.round((partialMs / 1000) * framesPerSecondOf(framesPerSecond));
  const ticks = ticksOf(Math.max(1, frames), framesPerSecond);
  return ticks + SPLICE_TOLERANCE_TICKS < gopDurationTicks ? ticks : 0;
};

/** EXT-X-PART-INF: times of pictures are rounded, so that one may be a little longer. */
export const targetSecondsOf = (partialTicks: number): number =>
  (partialTicks + SPLICE_TOLERANCE_TICKS) / TICKS_PER_SECOND;

const conflict = (message: string): SwarmError =>
  new SwarmError('conflict', message, 'Publish the whole GOP once it is encoded.');

export const isOfEncode = (
  open: Pick<OpenGop, 'run' | 'token'>,
  { run, token }: Pick<PartialAttempt, 'run' | 'token'>,
): boolean => open.run === run && open.token === token;

/** Where the next partial segment of a GOP begins. */
export const nextStartTicks = (open: OpenGop | null, gop: number, gopDurationTicks: number): number =>
  open?.partials.at(-1)?.endTicks ?? gopStartTicks(gop, gopDurationTicks);

/**
 * Whether this is the partial segment that comes next. Another encode may go on after the last one that is public.
 * @returns `duplicate?`: this encode has published one of this index, so that it is a repetition if its bytes are the same
 * @throws SwarmError conflict where the one of this index is of another encode, or this one has not the length that players
 * are told; out-of-order
 */
export const judgePartial = (
  open: OpenGop | null,
  attempt: PartialAttempt,
  { gopDurationTicks, partialTicks }: { gopDurationTicks: number; partialTicks: number },
): 'next' | 'duplicate?' => {
  const { gop, index, untilTicks } = attempt;
  const next = open?.partials.length ?? 0;
  if (open && index < next) {
    if (!isOfEncode(open, attempt) || index < open.ownFrom)
      throw conflict(`Partial segment ${index} of GOP ${gop} is of another encode.`);
    return 'duplicate?';
  }
  if (index > next)
    throw new SwarmError(
      'out-of-order',
      `Partial segment ${index} of GOP ${gop} came before ${next}.`,
      undefined,
      {
        nextPartial: next,
      },
    );
  const lastsTicks = untilTicks - nextStartTicks(open, gop, gopDurationTicks);
  const before = open?.partials.at(-1);
  const isWholeLength = ({ startTicks, endTicks }: Partial): boolean =>
    endTicks - startTicks >= LEAST_SHARE * (partialTicks + SPLICE_TOLERANCE_TICKS);
  if (
    lastsTicks <= 0 ||
    lastsTicks > partialTicks + SPLICE_TOLERANCE_TICKS ||
    (before && !isWholeLength(before))
  )
    throw conflict(`Partial segment ${index} of GOP ${gop} may not last ${lastsTicks} ticks.`);
  if (untilTicks >= gopStartTicks(gop + 1, gopDurationTicks))
    throw conflict(`The last partial segment of GOP ${gop} comes with the whole GOP.`);
  return 'next';
};

/** True if these segments go on from what is public of their GOP, byte by byte. */
export const continues = (open: OpenGop, parts: readonly { name: string; segment: Buffer }[]): boolean =>
  parts.length === open.renditions.length &&
  parts.every(({ name, segment }, i) => {
    if (open.renditions[i]!.name !== name) return false;
    let at = 0;
    return open.bytes[i]!.every((bytes) => segment.subarray(at, (at += bytes.length)).equals(bytes));
  });

/**
 * The partial segments of a whole GOP, with the last one, which came with it. Undefined where they don't cover it, as what
 * is left is too long for one: then players take the segment.
 */
export const wholeLayout = (
  open: OpenGop,
  segmentBytes: readonly number[],
  { gopDurationTicks, partialTicks }: { gopDurationTicks: number; partialTicks: number },
): Partial[] | undefined => {
  const startTicks = nextStartTicks(open, open.gop, gopDurationTicks);
  const endTicks = gopStartTicks(open.gop + 1, gopDurationTicks);
  if (endTicks - startTicks > partialTicks + SPLICE_TOLERANCE_TICKS) return undefined;
  const before = open.partials.at(-1)!;
  const places = before.places.map(({ toByte }, i) => ({ fromByte: toByte, toByte: segmentBytes[i]! }));
  return [...open.partials, { token: open.token, startTicks, endTicks, independent: false, places }];
};
