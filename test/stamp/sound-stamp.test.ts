import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { path as oldFfmpeg } from '@ffmpeg-installer/ffmpeg';
import {
  BLOCK_SAMPLES,
  GeneratedSound,
  KEEPS_STAMP_ARGUMENTS,
  SoundStampReader,
  stampedSpeakers,
  type ProvedStretch,
} from '../../src/media/stamp';
import { encodeBlock, decodeBlock } from '../../src/media/stamp/sound-payload';

const key = Buffer.alloc(32, 7);
const stamp = { key, channelId: 'ch-1', speaker: 0 };
const B = BLOCK_SAMPLES;

const blocks = (from: number, count: number, speakers = 1, channelId = 'ch-1'): Buffer[] => {
  const sound = new GeneratedSound({ key, channelId, speakers });
  return Array.from({ length: count }, (_, i) => sound.draw(from + i));
};

/** Sound of one of the speakers. */
const speakerOf = (pcm: Buffer, speaker: number, speakers: number): Float32Array =>
  Float32Array.from({ length: pcm.length / 2 / speakers }, (_, i) =>
    pcm.readInt16LE(2 * (i * speakers + speaker)),
  );

const read = (
  sound: Float32Array,
  who: Partial<typeof stamp> = {},
  pieces = [sound.length],
): ProvedStretch[] => {
  const reader = new SoundStampReader({ ...stamp, ...who });
  let at = 0;
  for (let i = 0; at < sound.length; i++) {
    const size = pieces[i % pieces.length]!;
    reader.push(sound.subarray(at, at + size));
    at += size;
  }
  reader.end();
  expect(reader.samples).toBe(sound.length);
  return reader.stretches;
};
const readMono = (...parts: Buffer[]): ProvedStretch[] => read(speakerOf(Buffer.concat(parts), 0, 1));

/** Through AAC, as the source encodes it, and back; the first 1,024 samples are the encoder's run-up. */
const throughAac = (ffmpeg: string, pcm: Buffer, speakers: number, kbps = 96 * speakers): Buffer => {
  const raw = ['-f', 's16le', '-ar', '48000', '-ac', `${speakers}`];
  const adts = execFileSync(
    'ffmpeg',
    [
      '-v',
      'error',
      ...raw,
      '-i',
      '-',
      '-c:a',
      'aac',
      '-b:a',
      `${kbps}k`,
      ...KEEPS_STAMP_ARGUMENTS,
      '-f',
      'adts',
      '-',
    ],
    { input: pcm, maxBuffer: 1 << 26 },
  );
  return execFileSync(ffmpeg, ['-v', 'error', '-f', 'aac', '-i', '-', '-f', 's16le', '-'], {
    input: adts,
    maxBuffer: 1 << 26,
  });
};

describe('the stamp of sound', () => {
  it('says of each block which it is, and whose', () => {
    for (const block of [0, 1, 255, 2 ** 31, 2 ** 32 - 1])
      expect(decodeBlock(stamp, encodeBlock(stamp, block))).toBe(block);
    const bytes = encodeBlock(stamp, 77);
    for (const other of [{ key: Buffer.alloc(32, 8) }, { channelId: 'ch-2' }, { speaker: 1 }])
      expect(decodeBlock({ ...stamp, ...other }, bytes)).toBeNull();
    for (let bit = 0; bit < 64; bit++) {
      const turned = Buffer.from(bytes);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeBlock(stamp, turned)).toBeNull();
    }
  });

  it('is found wherever it begins, in pieces of any size, to the sample', () => {
    const sound = speakerOf(Buffer.concat(blocks(5_000, 200)), 0, 1);
    const from = (cut: number): ProvedStretch[] => read(sound.subarray(cut), {}, [1, 7, 960, 100_000]);
    expect(from(0)).toEqual([{ at: 0, position: 5_000 * B, samples: 200 * B }]);
    for (const cut of [1, 3, 500, B - 1])
      expect(from(cut)).toEqual([{ at: B - cut, position: 5_001 * B, samples: 199 * B }]);
  });

  it('shows samples that are missing or too many, to the sample', () => {
    const sound = speakerOf(Buffer.concat(blocks(0, 40)), 0, 1);
    const cut = Float32Array.from([...sound.subarray(0, 10 * B + 100), ...sound.subarray(10 * B + 101)]);
    expect(read(cut)).toEqual([
      { at: 0, position: 0, samples: 10 * B },
      { at: 10 * B - 1, position: 10 * B, samples: 30 * B },
    ]);
    const stretched = Float32Array.from([...sound.subarray(0, 10 * B), 0, 0, ...sound.subarray(10 * B)]);
    expect(read(stretched)).toEqual([
      { at: 0, position: 0, samples: 10 * B },
      { at: 10 * B + 2, position: 10 * B, samples: 30 * B },
    ]);
  });

  it('is in neither silence nor other sound', () => {
    const silence = Buffer.alloc(2 * 10 * B);
    expect(readMono(silence)).toEqual([]);
    const tones = Buffer.alloc(silence.length);
    for (let i = 0; i < 10 * B; i++)
      tones.writeInt16LE(Math.round(9_000 * Math.sin((2 * Math.PI * 3_000 * i) / 48_000)), 2 * i);
    expect(readMono(tones, ...blocks(0, 1, 1, 'ch-2'))).toEqual([]);
    expect(readMono(...blocks(0, 5), silence, ...blocks(15, 5))).toEqual([
      { at: 0, position: 0, samples: 5 * B },
      { at: 15 * B, position: 15 * B, samples: 5 * B },
    ]);
  });

  it('is on all speakers but that for low frequencies', () => {
    expect(stampedSpeakers(2)).toEqual([0, 1]);
    expect(stampedSpeakers(6)).toEqual([0, 1, 2, 4, 5]);
    const surround = Buffer.concat(blocks(0, 5, 6));
    expect(speakerOf(surround, 3, 6).every((sample) => sample === 0)).toBe(true);
  });

  it.each([
    ['ffmpeg', 2, 192],
    ['ffmpeg', 1, 64],
    [oldFfmpeg, 2, 192],
    ['ffmpeg', 6, 576],
    [oldFfmpeg, 6, 576],
  ])('outlives AAC, decoded by %s, %d speakers at %d kbit/s', (ffmpeg, speakers, kbps) => {
    const pcm = Buffer.concat(blocks(46_000, 300, speakers));
    const decoded = throughAac(ffmpeg, pcm, speakers, kbps);
    for (const speaker of stampedSpeakers(speakers)) {
      const [stretch, ...others] = read(speakerOf(decoded, speaker, speakers), { speaker });
      expect(others).toEqual([]);
      expect(stretch!.position - stretch!.at).toBe(46_000 * B - B);
      expect(stretch!.samples).toBeGreaterThanOrEqual(299 * B);
    }
  });

  // Keys whose first blocks could not be read while the encoder spent its first bits above 12 kHz.
  it.each(['k79', 'k120'])('outlives the first frames of an encoder, with the key of %s', (name) => {
    const own = createHash('sha256').update(name).digest();
    const sound = new GeneratedSound({ key: own, channelId: 'ch-1', speakers: 2 });
    const pcm = Buffer.concat(Array.from({ length: 24 }, (_, block) => sound.draw(block)));
    const decoded = throughAac('ffmpeg', pcm, 2);
    for (const speaker of [0, 1])
      expect(read(speakerOf(decoded, speaker, 2), { key: own, speaker })).toMatchObject([
        { at: B, position: 0 },
      ]);
  });
});
