import type { GopPictures } from '../../contracts/relay';

/** The GOP that arrives, those that are being sealed, and the first pictures of the next one. */
const KEPT_GOPS = 4;

/** When the pictures of the newest GOPs came, for whoever checks a GOP that has not ended. */
export class PictureArrivals {
  /** By GOP, in the order in which the first picture of each came. */
  private readonly gops = new Map<number, { ptsTicks: number; atMs: number }[]>();

  /** @param monotonicMs milliseconds of a clock that is never set */
  constructor(private readonly monotonicMs: () => number) {}

  add(gop: number, ptsTicks: number): void {
    const picture = { ptsTicks, atMs: this.monotonicMs() };
    const pictures = this.gops.get(gop);
    if (pictures) pictures.push(picture);
    else this.gops.set(gop, [picture]);
    for (const oldest of this.gops.keys()) {
      if (this.gops.size <= KEPT_GOPS) break;
      this.gops.delete(oldest);
    }
  }

  /** Forgets GOPs from this one on: their pictures were dropped. */
  dropFrom(first: number): void {
    for (const gop of [...this.gops.keys()]) if (gop >= first) this.gops.delete(gop);
  }

  /** Undefined where nothing of the GOP has come, or it is too long ago. */
  of(gop: number): GopPictures | undefined {
    const pictures = this.gops.get(gop);
    if (!pictures) return undefined;
    const nowMs = this.monotonicMs();
    const inOrder = [...pictures].sort((a, b) => a.ptsTicks - b.ptsTicks);
    return {
      gop,
      ptsTicks: inOrder.map(({ ptsTicks }) => ptsTicks),
      arrivedAgoMs: inOrder.map(({ atMs }) => Math.max(0, nowMs - atMs)),
    };
  }
}
