import { createHash } from 'node:crypto';
import type { GopLedger } from '../../contracts/relay';
import { SwarmError, picturesKept } from '../../domain';
import { cutPlace } from '../mpegts';
import { requireAlike } from './inspect-partial';
import { continues, type OpenGop } from './partial-rules';
import { inspectPart, requireLedger, type BodyPart } from './verify-gop';

/**
 * A GOP whose owner was lost in the midst of it: players have its beginning. The next owner encodes it anew, with an IDR
 * picture after the last one that is public. What is stored is what players have, and that encode from there on.
 */

export type Inspected = ReturnType<typeof inspectPart>;

/** Channel times after which another encode may go on: where the one whose stretches are the last did, and after those. */
const seamsOf = ({ partials, ownFrom }: OpenGop): number[] => {
  const ends = [ownFrom - 1, partials.length - 1].flatMap((index) => partials[index]?.endTicks ?? []);
  return [...new Set(ends)];
};

interface JoinedGop {
  parts: BodyPart[];
  inspected: Inspected[];
}

/**
 * What is public up to a seam, then the segments from there on; undefined where one has no IDR picture there.
 * @throws SwarmError malformed-segment, conflict
 */
const joinedAt = (
  open: OpenGop,
  parts: readonly BodyPart[],
  ptsTicks: readonly number[],
  seamTicks: number,
): JoinedGop | undefined => {
  const count = open.partials.filter(({ endTicks }) => endTicks <= seamTicks).length;
  const joined = parts.flatMap((part, i) => {
    const first = picturesKept(ptsTicks, part.frameRateDivisor ?? 1).find((pts) => pts >= seamTicks);
    const from = first === undefined ? undefined : cutPlace(part.segment, first);
    if (from === undefined) return [];
    const rest = part.segment.subarray(from);
    const segment = Buffer.concat([...open.bytes[i]!.slice(0, count), rest]);
    const whole = { ...part, segment, sha256: createHash('sha256').update(segment).digest('hex') };
    const inspected = inspectPart(whole);
    requireAlike(inspected.record, inspectPart({ ...part, segment: rest }).record, open.gop);
    return [{ whole, inspected }];
  });
  if (joined.length < parts.length) return undefined;
  return { parts: joined.map(({ whole }) => whole), inspected: joined.map(({ inspected }) => inspected) };
};

/**
 * Joins a whole GOP to what is public of it, of another encode.
 * @param parts its segments, as their encode made them
 * @returns the segments to store, with what they hold; undefined where they can't be joined, so that the GOP is another one
 */
export const joinedGop = (
  open: OpenGop,
  parts: readonly BodyPart[],
  ledger: Pick<GopLedger, 'gop' | 'ptsTicks'>,
  gopDurationTicks: number,
): JoinedGop | undefined => {
  if (open.renditions.length !== parts.length) return undefined;
  for (const seamTicks of seamsOf(open)) {
    try {
      const joined = joinedAt(open, parts, ledger.ptsTicks, seamTicks);
      if (!joined || !continues(open, joined.parts)) continue;
      for (const { record, videoPtsTicks } of joined.inspected)
        requireLedger(record, videoPtsTicks, ledger, gopDurationTicks);
      return joined;
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error;
    }
  }
  return undefined;
};
