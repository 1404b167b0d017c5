import { TICKS_PER_SECOND } from '../../domain';
import { unwrapTicks, type PesUnit } from '../mpegts';

/** Opening an input again takes a process and a few tenths of a second; one that is longer can wait for that. */
const LONGEST_TICKS = 5 * TICKS_PER_SECOND;

/** Remembers all that a short input holds, so that it is not opened again for each of its passes. */
export class ShortPass {
  private kept: PesUnit[] = [];
  private bytes = 0;
  private tooLong = false;
  private ended = false;

  constructor(private readonly maxBytes: number) {}

  /** To be called before anything is changed in the unit. */
  note(unit: PesUnit): void {
    if (this.tooLong || this.ended) return;
    const first = this.kept[0]?.dtsTicks ?? unit.dtsTicks;
    this.bytes += unit.packets.length;
    this.tooLong =
      this.bytes > this.maxBytes || Math.abs(unwrapTicks(unit.dtsTicks, first) - first) > LONGEST_TICKS;
    if (this.tooLong) this.kept = [];
    else this.kept.push({ ...unit, packets: Buffer.from(unit.packets) });
  }

  end(): void {
    this.ended = true;
  }

  /** All of it is known. */
  get isWhole(): boolean {
    return this.ended && !this.tooLong;
  }

  /** Its units as they came, each to be kept by whoever takes it. */
  *units(): Generator<PesUnit> {
    for (const unit of this.kept) yield { ...unit, packets: Buffer.from(unit.packets) };
  }
}
