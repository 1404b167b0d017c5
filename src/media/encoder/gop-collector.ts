import { divisorOf, picturesKept, type Rendition } from '../../domain';
import type { AssembledSegment } from './segment-assembler';
import type { EncodedGop } from './types';

type Collected = Pick<Rendition, 'name' | 'frameRateDivisor'>;

/** Holds back the segments of a GOP until every rendition has brought its own, then gives the GOP. */
export class GopCollector {
  private readonly waiting = new Map<number, (AssembledSegment | undefined)[]>();

  constructor(
    private readonly renditions: readonly Collected[],
    private readonly onGop: (gop: EncodedGop) => void,
  ) {}

  /** @throws Error when the renditions of a GOP do not hold the frames that they should. */
  add(renditionIndex: number, segment: AssembledSegment): void {
    const segments = this.waiting.get(segment.gop) ?? this.renditions.map(() => undefined);
    segments[renditionIndex] = segment;
    this.waiting.set(segment.gop, segments);
    const complete = segments.filter((s) => s !== undefined);
    if (complete.length < this.renditions.length) return;
    this.waiting.delete(segment.gop);
    for (const [index, rendition] of this.renditions.entries()) this.compare(complete, index, rendition);
    this.onGop({
      gop: segment.gop,
      segments: this.renditions.map((rendition, index) => {
        const frameRateDivisor = divisorOf(rendition);
        const { segment } = complete[index]!;
        return { name: rendition.name, segment, ...(frameRateDivisor > 1 && { frameRateDivisor }) };
      }),
    });
  }

  /** With the first rendition that has all pictures, or as few; the origin compares with the contribution. */
  private compare(complete: readonly AssembledSegment[], index: number, rendition: Collected): void {
    const divisor = divisorOf(rendition);
    const withAll = this.renditions.findIndex((r) => divisorOf(r) === 1);
    const alike = withAll >= 0 ? withAll : this.renditions.findIndex((r) => divisorOf(r) === divisor);
    const found = complete[index]!.videoPtsTicks;
    const expected = picturesKept(complete[alike]!.videoPtsTicks, withAll >= 0 ? divisor : 1);
    const same = expected.length === found.length && expected.every((pts, i) => pts === found[i]);
    if (same) return;
    throw new Error(
      `in GOP ${complete[index]!.gop}, rendition ${rendition.name} has ${found.length} frames, ` +
        `not the ${expected.length} of ${this.renditions[alike]!.name}`,
    );
  }
}
