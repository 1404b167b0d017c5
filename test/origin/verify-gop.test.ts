import { createHash } from 'node:crypto';
import type { GopLedger } from '../../src/contracts/relay';
import { WRAP_TICKS, retimePackets } from '../../src/media/mpegts';
import { inspectPart, requireLedger, splitBody } from '../../src/media/origin/verify-gop';
import { refusalFrom } from '../support/refusal';
import { GOP_DURATION_TICKS, asGop, encodeGops, type EncodedGop } from './support/segments';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a body', () => {
  const body = Buffer.from('aaabbbbcc');

  test('is cut into the segments that are announced, in their order', () => {
    const parts = splitBody(body, [
      { name: '720p', bytes: 3 },
      { name: '360p', bytes: 4 },
      { name: '180p', bytes: 2 },
    ]);
    expect(parts.map(({ name, segment }) => [name, segment.toString()])).toEqual([
      ['720p', 'aaa'],
      ['360p', 'bbbb'],
      ['180p', 'cc'],
    ]);
    expect(parts.map((p) => p.sha256)).toEqual(
      ['aaa', 'bbbb', 'cc'].map((text) => sha256(Buffer.from(text))),
    );
  });

  test.each([
    [8, 'x-renditions announces 8 bytes, the body has 9.'],
    [10, 'x-renditions announces 10 bytes, the body has 9.'],
  ])('of 9 bytes, announced as %i, is refused', (bytes, message) => {
    const declared = [
      { name: '360p', bytes: 4 },
      { name: '180p', bytes: bytes - 4 },
    ];
    expect(refusalFrom(() => splitBody(body, declared))).toEqual({
      code: 'malformed-segment',
      message,
      hint: 'Put the whole segments as the encoder made them.',
      details: undefined,
    });
  });
});

describe('a segment', () => {
  let gop: EncodedGop;
  let withAudio: EncodedGop;
  const partOf = (segment: Buffer) => ({ name: '180p', segment, sha256: sha256(segment) });

  beforeAll(async () => {
    [gop] = (await encodeGops(1, '128x72')) as [EncodedGop];
    [withAudio] = (await encodeGops(1, '128x72', { audio: true })) as [EncodedGop];
  });

  test('that is whole is recorded with its size, fingerprint and format', () => {
    const { record, videoPtsTicks } = inspectPart(partOf(gop.segment));
    expect(record).toEqual({
      name: '180p',
      bytes: gop.segment.length,
      sha256: sha256(gop.segment),
      widthPx: 128,
      heightPx: 72,
      codecs: expect.stringMatching(/^avc1\.[0-9a-f]{6}$/),
      parameterSets: expect.stringMatching(/^[0-9a-f]{16}$/),
      videoBytes: expect.any(Number),
    });
    expect(record.videoBytes).toBeLessThan(gop.segment.length);
    expect(record.videoBytes).toBeGreaterThan(gop.segment.length / 2);
    expect(videoPtsTicks).toEqual(gop.ptsTicks);
  });

  test('with audio names the codec of its audio too', () => {
    expect(inspectPart(partOf(withAudio.segment)).record.codecs).toMatch(/^avc1\.[0-9a-f]{6},mp4a\.40\.2$/);
  });

  test('that is torn is refused, with its rendition and the fault', () => {
    const refusal = refusalFrom(() => inspectPart(partOf(gop.segment.subarray(0, -1))));
    expect(refusal).toMatchObject({
      code: 'malformed-segment',
      hint: 'Put the whole segments as the encoder made them.',
    });
    expect(refusal.message).toMatch(
      /^Segment of rendition 180p can't be published: \d+ bytes are not a whole/,
    );
  });

  test('that begins amid a GOP is refused: no player could begin there', () => {
    // Without the packets of its IDR picture, which are those up to the second picture's first.
    const tables = 2 * 188;
    let second = tables;
    for (let units = 0; ; second += 188) {
      const startsUnit = (gop.segment[second + 1]! & 0x40) !== 0;
      if (startsUnit && ++units === 2) break;
    }
    const tail = Buffer.concat([gop.segment.subarray(0, tables), gop.segment.subarray(second)]);
    expect(refusalFrom(() => inspectPart(partOf(tail))).message).toBe(
      "Segment of rendition 180p can't be published: It does not begin with an IDR picture.",
    );
  });

  test('a fault of the program is not taken for one of the segment', () => {
    const broken = { name: '180p', segment: null as unknown as Buffer, sha256: '' };
    expect(() => inspectPart(broken)).toThrow(TypeError);
  });
});

describe('the pictures of a GOP', () => {
  const ledgerOf = (gop: number, frames = 4): GopLedger => {
    const ptsTicks = Array.from({ length: frames }, (_, i) => gop * GOP_DURATION_TICKS + i * 3_600);
    return { gop, ptsTicks, sealedAtMs: 0, sha256: '' };
  };
  const check = (found: readonly number[], ledger: GopLedger, frameRateDivisor?: number): void =>
    requireLedger({ name: '180p', frameRateDivisor }, found, ledger, GOP_DURATION_TICKS);

  test('are those that the relay received', () => {
    const ledger = ledgerOf(3);
    expect(() => check(ledger.ptsTicks, ledger)).not.toThrow();
  });

  test('are every second or third of them, from the first on, where the rendition keeps no more', () => {
    const ledger = ledgerOf(3, 6);
    const [a, b, c, d, e, f] = ledger.ptsTicks as [number, number, number, number, number, number];
    expect(() => check([a, c, e], ledger, 2)).not.toThrow();
    expect(() => check([a, d], ledger, 3)).not.toThrow();
    for (const wrong of [
      [b, d, f],
      [a, c],
      [a, b, c, d, e, f],
      [a, c, f],
    ])
      expect(refusalFrom(() => check(wrong, ledger, 2)).code).toBe('ledger-mismatch');
    expect(refusalFrom(() => check([a, c, e], ledger)).code).toBe('ledger-mismatch');
    expect(refusalFrom(() => check([a], ledger, 3)).message).toMatch(/received 6, of which it keeps 2;/);
  });

  test('are compared across the wrap of the 33-bit clock', () => {
    const ledger = ledgerOf(Math.floor(WRAP_TICKS / GOP_DURATION_TICKS), 50);
    const onTheWire = ledger.ptsTicks.map((pts) => pts % WRAP_TICKS);
    expect(onTheWire.at(-1)).toBeLessThan(onTheWire[0]!);
    expect(() => check(onTheWire, ledger)).not.toThrow();
  });

  test.each<[string, (pts: number[]) => number[], number, number | null, number | null]>([
    ['one is missing at the end', (pts) => pts.slice(0, 3), 3, 550_800, null],
    ['one is missing at the beginning', (pts) => pts.slice(1), 0, 540_000, 543_600],
    ['one is too many', (pts) => [...pts, 554_400], 4, null, 554_400],
    ['one is a tick late', (pts) => pts.with(2, 547_201), 2, 547_200, 547_201],
    ['there are none', () => [], 0, 540_000, null],
  ])('are refused when %s', (_, spoil, differsAt, expectedPtsTicks, foundPtsTicks) => {
    const ledger = ledgerOf(3);
    const found = spoil([...ledger.ptsTicks]);
    expect(refusalFrom(() => check(found, ledger))).toEqual({
      code: 'ledger-mismatch',
      message:
        `Rendition 180p of GOP 3 has ${found.length} pictures, the relay received 4; ` +
        `they differ from picture ${differsAt} on.`,
      hint: expect.stringMatching(/relay/),
      details: { rendition: '180p', differsAt, expectedPtsTicks, foundPtsTicks },
    });
  });

  test('of the same shape, but of another GOP, are refused', async () => {
    const [first] = (await encodeGops(1, '128x72')) as [EncodedGop];
    const other = asGop(first, 0, 1);
    const { videoPtsTicks } = inspectPart({ name: '180p', segment: other.segment, sha256: '' });
    const ledger = { ...ledgerOf(0), ptsTicks: first.ptsTicks };
    expect(refusalFrom(() => check(videoPtsTicks, ledger)).code).toBe('ledger-mismatch');
    retimePackets(other.segment, -GOP_DURATION_TICKS);
    const back = inspectPart({ name: '180p', segment: other.segment, sha256: '' });
    expect(() => check(back.videoPtsTicks, ledger)).not.toThrow();
  });
});
