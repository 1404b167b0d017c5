import { MAX_PROBLEMS_PER_KIND } from './report';

/** The GOPs that must be there: [firstGop, lastGop] without those declared absent. */
export interface Expectation {
  firstGop: number;
  lastGop: number;
  gaps: ReadonlySet<number>;
  framesPerGop: number;
}

/** One frame as a player would show it. */
export interface ShownFrame {
  /** Which frame it proves to be; null if it proves nothing. */
  counter: number | null;
  /** Which frame should stand at its time: used to say where a fault is. */
  place: number;
  /** What is wrong with it in itself. Set if `counter` is null. */
  fault?: string;
}

export interface Judgement {
  lost: number;
  repeated: number;
  invalid: number;
  problems: string[];
}

/** A list of frames as words: runs of one after the other become ranges. */
class FrameRanges {
  private readonly ranges: [first: number, last: number, times: number][] = [];

  add(frame: number): void {
    const last = this.ranges.at(-1);
    if (last && frame === last[1] + 1 && last[2] === 1) last[1] = frame;
    else if (last && frame === last[0] && frame === last[1]) last[2]++;
    else this.ranges.push([frame, frame, 1]);
  }

  describe(framesPerGop: number, words: string): string[] {
    const gopOfFrame = (frame: number): number => Math.floor(frame / framesPerGop);
    const shown = this.ranges.slice(0, MAX_PROBLEMS_PER_KIND).map(([first, last, times]) => {
      const [firstGop, lastGop] = [gopOfFrame(first), gopOfFrame(last)];
      const frames = first === last ? `frame ${first}` : `frames ${first}-${last}`;
      const gops = firstGop === lastGop ? `GOP ${firstGop}` : `GOPs ${firstGop}-${lastGop}`;
      return `${frames} (${gops}): ${words}${times > 1 ? `, ${times} times` : ''}`;
    });
    const more = this.ranges.length - shown.length;
    return more > 0 ? [...shown, `${words}: ${more} more places`] : shown;
  }
}

/**
 * Compares what was shown with the source clock: every expected frame once, in order, and nothing else. A frame
 * whose place is taken by one that proves nothing counts as invalid (what was shown) and lost (what was not).
 */
export const judge = (shown: Iterable<ShownFrame>, expected: Expectation): Judgement => {
  const { firstGop, lastGop, gaps, framesPerGop } = expected;
  const faults = new Map<string, FrameRanges>();
  const note = (words: string, frame: number): void => {
    let ranges = faults.get(words);
    if (!ranges) faults.set(words, (ranges = new FrameRanges()));
    ranges.add(frame);
  };
  const seen = new Set<number>();
  let highest = -1;
  let repeated = 0;
  let invalid = 0;
  for (const { counter, place, fault } of shown) {
    if (counter === null) {
      invalid++;
      note(fault ?? 'unreadable', place);
      continue;
    }
    const gop = Math.floor(counter / framesPerGop);
    if (seen.has(counter)) {
      repeated++;
      note('shown again', counter);
    } else if (gop < firstGop || gop > lastGop || gaps.has(gop)) {
      invalid++;
      note(
        gaps.has(gop) ? 'shown, though declared a gap' : `shown outside of GOPs ${firstGop}-${lastGop}`,
        counter,
      );
    } else {
      seen.add(counter);
      if (counter < highest) note('out of order, shown after a later frame', counter);
      else if (fault !== undefined) note(fault, counter);
      if (counter < highest || fault !== undefined) invalid++;
      highest = Math.max(highest, counter);
    }
  }

  const missing = new FrameRanges();
  let lost = 0;
  for (let gop = firstGop; gop <= lastGop; gop++) {
    if (gaps.has(gop)) continue;
    for (let frame = gop * framesPerGop; frame < (gop + 1) * framesPerGop; frame++) {
      if (seen.has(frame)) continue;
      lost++;
      missing.add(frame);
    }
  }
  const problems = [
    ...missing.describe(framesPerGop, 'missing'),
    ...[...faults].flatMap(([words, ranges]) => ranges.describe(framesPerGop, words)),
  ];
  return { lost, repeated, invalid, problems };
};
