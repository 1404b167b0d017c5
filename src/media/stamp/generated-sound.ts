import {
  BITS_PER_BLOCK,
  BLOCK_SAMPLES,
  PULSE,
  SAMPLES_PER_BIT,
  SOUND_RATE_HZ,
  stampedSpeakers,
} from './sound-layout';
import { encodeBlock } from './sound-payload';

/** Of full scale. */
const STAMP_LEVEL = 0.05;
const PIP_LEVEL = 0.08;
/** So low that it hardly shows in the bits. */
const PIP_HZ = 440;
/** Of whole cycles. */
const PIP_SAMPLES = SOUND_RATE_HZ / 10;
/** It begins and ends without a click. */
const PIP_FADE_SAMPLES = SOUND_RATE_HZ / 100;
const FULL_SCALE = 32_767;

/** A short tone at each full second, as of a clock. */
const pip = Float32Array.from({ length: PIP_SAMPLES }, (_, i) => {
  const fade = Math.min(1, i / PIP_FADE_SAMPLES, (PIP_SAMPLES - 1 - i) / PIP_FADE_SAMPLES);
  return PIP_LEVEL * fade * Math.sin((2 * Math.PI * PIP_HZ * i) / SOUND_RATE_HZ);
});

/** Sound that can be checked sample by sample: the stamp, and a short tone at each full second of channel time. */
export class GeneratedSound {
  /** @param options.speakers 1 (mono), 2 (stereo) or 6 (5.1, of which the fourth is silent) */
  constructor(private readonly options: { key: Buffer; channelId: string; speakers: number }) {}

  /** A block as interleaved 16-bit PCM of 48 kHz, little-endian: samples [1024 block, 1024 (block + 1)). */
  draw(block: number): Buffer {
    const { speakers } = this.options;
    const pcm = Buffer.alloc(2 * BLOCK_SAMPLES * speakers);
    for (const speaker of stampedSpeakers(speakers)) {
      const bytes = encodeBlock({ ...this.options, speaker }, block);
      for (let bit = 0; bit < BITS_PER_BLOCK; bit++) {
        const sign = (bytes[bit >> 3]! >> (7 - (bit & 7))) & 1 ? STAMP_LEVEL : -STAMP_LEVEL;
        for (let i = 0; i < SAMPLES_PER_BIT; i++) {
          const sample = bit * SAMPLES_PER_BIT + i;
          const tone = pip[(block * BLOCK_SAMPLES + sample) % SOUND_RATE_HZ] ?? 0;
          const value = Math.round(FULL_SCALE * (sign * PULSE[i]! + tone));
          pcm.writeInt16LE(value, 2 * (sample * speakers + speaker));
        }
      }
    }
    return pcm;
  }
}
