import type { AssembledSegment } from './segment-assembler';
import type { EncodedGop } from './types';

/** Holds back the segments of a GOP until every rendition has brought its own, then gives the GOP. */
export class GopCollector {
  private readonly waiting = new Map<number, (AssembledSegment | undefined)[]>();

  constructor(
    private readonly names: readonly string[],
    private readonly onGop: (gop: EncodedGop) => void,
  ) {}

  /** @throws Error when the renditions of a GOP do not hold the same frames. */
  add(renditionIndex: number, segment: AssembledSegment): void {
    const segments = this.waiting.get(segment.gop) ?? this.names.map(() => undefined);
    segments[renditionIndex] = segment;
    this.waiting.set(segment.gop, segments);
    const complete = segments.filter((s) => s !== undefined);
    if (complete.length < this.names.length) return;
    this.waiting.delete(segment.gop);
    for (const [index, other] of complete.entries()) this.compare(complete[0]!, other, index);
    this.onGop({
      gop: segment.gop,
      segments: complete.map((s, index) => ({ name: this.names[index]!, segment: s.segment })),
    });
  }

  private compare(first: AssembledSegment, other: AssembledSegment, index: number): void {
    const same =
      first.videoPtsTicks.length === other.videoPtsTicks.length &&
      first.videoPtsTicks.every((pts, i) => pts === other.videoPtsTicks[i]);
    if (same) return;
    throw new Error(
      `in GOP ${first.gop}, rendition ${this.names[index]} has ${other.videoPtsTicks.length} frames, ` +
        `not the ${first.videoPtsTicks.length} of ${this.names[0]}`,
    );
  }
}
