/**
 * How the stamp is laid into sound: a soft hiss around 3 kHz that carries a counter, as LTC carries a time code. Each
 * block of 1,024 samples (one frame of AAC) carries 64 bits, 16 samples each: one cycle of a sine, or its opposite. So the
 * middle of the band that every codec keeps tells each bit, and where the blocks stand, to the sample:
 *
 *   32 bits  truncated HMAC-SHA256 over channel id, speaker and counter
 *   32 bits  counter of the block, exclusive or with a hash of the bits before, so that no two blocks sound alike
 *
 * Block n begins at sample 1,024 n of channel time.
 */
export const SOUND_RATE_HZ = 48_000;
export const BLOCK_SAMPLES = 1_024;
export const MAC_BYTES = 4;
export const COUNTER_BYTES = 4;
export const BLOCK_BYTES = MAC_BYTES + COUNTER_BYTES;
export const BITS_PER_BLOCK = 8 * BLOCK_BYTES;
export const SAMPLES_PER_BIT = BLOCK_SAMPLES / BITS_PER_BLOCK;

/** Of 5.1, in the order of WAVE and of ffmpeg: the fourth is the one for low frequencies, which carries no 3 kHz. */
const SURROUND_SPEAKERS = 6;
const LOW_FREQUENCY_SPEAKER = 3;

/** The speakers of a layout that carry a stamp, counted from 0. */
export const stampedSpeakers = (speakers: number): number[] =>
  Array.from({ length: speakers }, (_, speaker) => speaker).filter(
    (speaker) => speakers !== SURROUND_SPEAKERS || speaker !== LOW_FREQUENCY_SPEAKER,
  );

/**
 * Options of ffmpeg's AAC encoder: what would replace the stamp by noise like it, or put both speakers together, is off.
 * Nothing above 12 kHz is coded: in its first frames the encoder has few bits, and spent them there, so that one block in
 * 2,000 could not be read.
 */
export const KEEPS_STAMP_ARGUMENTS = ['-aac_pns', '0', '-aac_is', '0', '-aac_ms', '0', '-cutoff', '12000'];

/** One bit that is 1, at full scale. */
export const PULSE = Float32Array.from({ length: SAMPLES_PER_BIT }, (_, i) =>
  Math.sin((2 * Math.PI * (i + 0.5)) / SAMPLES_PER_BIT),
);
