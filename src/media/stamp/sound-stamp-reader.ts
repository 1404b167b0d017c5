import { BITS_PER_BLOCK, BLOCK_BYTES, BLOCK_SAMPLES, PULSE, SAMPLES_PER_BIT } from './sound-layout';
import { decodeBlock, type SoundStamp } from './sound-payload';

/** Sound that proves to be what was sent, without a break. */
export interface ProvedStretch {
  /** Index of its first sample in what is read. */
  at: number;
  /** Sample of channel time that it proves to be. */
  position: number;
  samples: number;
}

/** A bit can be read so many samples beside its place too, so that the place is looked for among these. */
const REACH_SAMPLES = 3;
/** While a block is looked for: no bit is this much weaker than the mean. Spares most hashes where there is no stamp. */
const LEAST_OF_MEAN = 0.3;
/** What is read at once; the buffer is moved up when it is full. */
const BUFFER_SAMPLES = 1 << 16;

/**
 * Finds the stamp in the sound of one speaker, wherever its blocks stand: at the sample where they agree best with what
 * was read. What lies between the stretches proves nothing.
 */
export class SoundStampReader {
  readonly stretches: ProvedStretch[] = [];
  /** Samples read. */
  samples = 0;
  /** Samples from `from` on, and how much each agrees with the pulse that begins there. */
  private sound = new Float32Array(BUFFER_SAMPLES);
  private agreement = new Float32Array(BUFFER_SAMPLES);
  /** A little silence in front: the first block may be cut at its beginning. */
  private from = -REACH_SAMPLES;
  private filled = REACH_SAMPLES;
  private agreed = 0;
  /** Where the next block is looked for. */
  private at = 0;
  /** The block before was found: the next one should follow it. */
  private follows = false;

  constructor(private readonly stamp: SoundStamp) {}

  /** @param sound of any scale */
  push(sound: Float32Array): void {
    for (let taken = 0; taken < sound.length;) {
      const part = sound.subarray(taken, taken + BUFFER_SAMPLES - this.filled);
      this.sound.set(part, this.filled);
      this.filled += part.length;
      this.samples += part.length;
      taken += part.length;
      this.read();
      this.moveUp();
    }
  }

  /** To be called once all is pushed. */
  end(): void {
    const { samples } = this;
    this.push(new Float32Array(REACH_SAMPLES + SAMPLES_PER_BIT));
    this.samples = samples;
  }

  private read(): void {
    for (; this.agreed + SAMPLES_PER_BIT <= this.filled; this.agreed++) {
      let sum = 0;
      for (let i = 0; i < SAMPLES_PER_BIT; i++) sum += PULSE[i]! * this.sound[this.agreed + i]!;
      this.agreement[this.agreed] = sum;
    }
    const end = this.from + this.agreed - BLOCK_SAMPLES - REACH_SAMPLES;
    while (this.at < end) {
      const block = this.follows || this.isClear(this.at) ? this.blockAt(this.at) : null;
      const best = block === null ? null : this.bestPlace(this.at);
      if (block === null || best === null || best < 0 || (this.follows && best !== this.at)) {
        // It may stand a little earlier: samples were cut out.
        this.at = this.follows ? Math.max(0, this.at - REACH_SAMPLES) : this.at + 1;
        this.follows = false;
        continue;
      }
      this.at = best;
      this.note(this.at, block * BLOCK_SAMPLES);
      this.at += BLOCK_SAMPLES;
      this.follows = true;
    }
  }

  private note(at: number, position: number): void {
    const last = this.stretches.at(-1);
    const goesOn =
      last && last.at + last.samples === at && last.position + last.samples === position ? last : null;
    if (goesOn) goesOn.samples += BLOCK_SAMPLES;
    else this.stretches.push({ at, position, samples: BLOCK_SAMPLES });
  }

  /** Bits may begin here: all are clear, and clearer than a sample before or after. */
  private isClear(at: number): boolean {
    const strength = this.strengthAt(at);
    const least = LEAST_OF_MEAN * (strength / BITS_PER_BLOCK);
    for (let bit = 0; bit < BITS_PER_BLOCK; bit++)
      if (Math.abs(this.agreement[at - this.from + bit * SAMPLES_PER_BIT]!) <= least) return false;
    return strength > this.strengthAt(at - 1) && strength > this.strengthAt(at + 1);
  }

  private strengthAt(at: number): number {
    let sum = 0;
    for (let bit = 0; bit < BITS_PER_BLOCK; bit++)
      sum += Math.abs(this.agreement[at - this.from + bit * SAMPLES_PER_BIT] ?? 0);
    return sum;
  }

  private blockAt(at: number): number | null {
    const bytes = Buffer.alloc(BLOCK_BYTES);
    for (let bit = 0; bit < BITS_PER_BLOCK; bit++)
      if (this.agreement[at - this.from + bit * SAMPLES_PER_BIT]! > 0)
        bytes[bit >> 3]! |= 1 << (7 - (bit & 7));
    return decodeBlock(this.stamp, bytes);
  }

  /** Where the bits that are read at a place are strongest. */
  private bestPlace(at: number): number {
    let best = at;
    let strongest = -Infinity;
    for (let place = at - REACH_SAMPLES; place <= at + REACH_SAMPLES; place++) {
      if (place < this.from) continue;
      let sum = 0;
      for (let bit = 0; bit < BITS_PER_BLOCK; bit++) {
        const offset = bit * SAMPLES_PER_BIT - this.from;
        sum += Math.sign(this.agreement[at + offset]!) * this.agreement[place + offset]!;
      }
      if (sum > strongest) [strongest, best] = [sum, place];
    }
    return best;
  }

  private moveUp(): void {
    const read = Math.max(0, this.at - REACH_SAMPLES - this.from);
    if (this.filled < BUFFER_SAMPLES || read === 0) return;
    this.sound.copyWithin(0, read, this.filled);
    this.agreement.copyWithin(0, read, this.agreed);
    this.from += read;
    this.filled -= read;
    this.agreed -= read;
  }
}
