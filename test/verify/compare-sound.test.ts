import { adtsSamples, compareSound, FactsReader, type SoundFact } from '../../src/verify';
import { makeClip, probePackets } from '../mpegts/ffmpeg-clips';

describe('sound', () => {
  const unit = (n: number, sha256 = `unit-${n}`): SoundFact => ({
    ...{ track: 0, ptsTicks: n * 1_920, sha256, samples: 1_024, format: null },
  });
  // A loop of ten units, three times.
  const sent = Array.from({ length: 30 }, (_, n) => unit(n, `unit-${n % 10}`));
  const exact = { lost: 0, repeated: 0, offsetChangeMs: 0 };

  test('a stretch of a loop is found where it is', () => {
    expect(compareSound(sent, sent.slice(7, 26), 26 * 1_920)).toEqual({ ...exact, checked: 19 * 1_024 });
  });

  test.each([
    ['a unit lost', sent.filter((_, n) => n !== 12), { ...exact, checked: 29 * 1_024, lost: 1_024 }],
    [
      'a unit twice',
      sent.flatMap((u, n) => (n === 12 ? [u, u] : [u])),
      { ...exact, checked: 31 * 1_024, repeated: 1_024 },
    ],
    [
      'another sound in its place',
      sent.map((u, n) => (n === 12 ? { ...u, sha256: 'foreign' } : u)),
      { ...exact, checked: 30 * 1_024, lost: 1_024, repeated: 1_024 },
    ],
  ])('%s', (_, published, expected) => {
    expect(compareSound(sent, published, Infinity)).toEqual(expected);
  });

  test('sound that moves against the picture is told in ms', () => {
    const moved = sent.map((u, n) => (n >= 15 ? { ...u, ptsTicks: u.ptsTicks + 180 } : u));
    expect(compareSound(sent, moved, Infinity)).toMatchObject({ lost: 0, repeated: 0, offsetChangeMs: 2 });
  });

  test('sound that ends early is lost from there on', () => {
    expect(compareSound(sent, sent.slice(0, 20), 28 * 1_920)).toMatchObject({ lost: 8 * 1_024 });
  });

  test('no sound at all is all of it lost', () => {
    expect(compareSound(sent, [], Infinity)).toMatchObject({ checked: 0, lost: 30 * 1_024 });
  });

  test('samples are counted as an independent reader counts them', () => {
    const clip = makeClip('ffmpeg', { seconds: 2, audio: ['-c:a', 'aac', '-ar', '48000'] });
    const reader = new FactsReader(0);
    reader.push(clip);
    const { sound, pictures } = reader.end();
    const samples = sound.reduce((sum, { samples: each }) => sum + (each ?? 0), 0);
    expect(samples).toBe(probePackets(clip, 'a').length * 1_024);
    expect(pictures).toHaveLength(50);
  });

  test('bytes that are no ADTS have no count', () => {
    expect(adtsSamples(Buffer.from('not audio at all'))).toBeNull();
    expect(adtsSamples(Buffer.alloc(0))).toBeNull();
  });
});
