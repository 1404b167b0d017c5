import { execFileSync } from 'node:child_process';
import {
  TransportStreamReader,
  WRAP_TICKS,
  retimePackets,
  unwrapTicks,
  wrapTicks,
  type PesUnit,
} from '../../src/media/mpegts';
import fc from '../support/fast-check';
import { ffmpegBuilds, makeClip, probePackets } from './ffmpeg-clips';

const unitsOf = (stream: Buffer): PesUnit[] => {
  const units: PesUnit[] = [];
  const reader = new TransportStreamReader({ onUnit: (unit) => units.push(unit) });
  reader.push(stream);
  reader.flush();
  return units;
};

const pcrsOf = (stream: Buffer): number[] => {
  const pcrs: number[] = [];
  for (let at = 0; at < stream.length; at += 188)
    if (stream[at + 3]! & 0x20 && stream[at + 4]! > 0 && stream[at + 5]! & 0x10)
      pcrs.push(stream.readUInt32BE(at + 6) * 2 + (stream[at + 10]! >> 7));
  return pcrs;
};

describe.each(ffmpegBuilds)('retimePackets on the output of %s', (ffmpeg) => {
  const clip = makeClip(ffmpeg, { audio: ['-c:a', 'aac'] });

  it.each([1, -1, 90_000, -12 * 90_000, 2 ** 32, WRAP_TICKS - 5, 7 * WRAP_TICKS + 3])(
    'moves every PTS, DTS and PCR by %d ticks and nothing else',
    (delta) => {
      const moved = Buffer.from(clip);
      retimePackets(moved, delta);
      const before = unitsOf(clip);
      const after = unitsOf(moved);
      expect(after.map((u) => u.ptsTicks)).toEqual(before.map((u) => wrapTicks(u.ptsTicks + delta)));
      expect(after.map((u) => u.dtsTicks)).toEqual(before.map((u) => wrapTicks(u.dtsTicks + delta)));
      expect(pcrsOf(clip).length).toBeGreaterThan(5);
      expect(pcrsOf(moved)).toEqual(pcrsOf(clip).map((pcr) => wrapTicks(pcr + delta)));
      retimePackets(moved, -delta);
      expect(moved.equals(clip)).toBe(true);
    },
  );

  it('leaves a stream that ffmpeg reads and decodes to the same pictures', () => {
    const moved = Buffer.from(clip);
    retimePackets(moved, WRAP_TICKS - 11 * 90_000);
    const hashes = (stream: Buffer): string =>
      execFileSync(ffmpeg, ['-v', 'error', '-i', 'pipe:0', '-map', '0:v', '-f', 'md5', 'pipe:1'], {
        input: stream,
      }).toString();
    expect(hashes(moved)).toBe(hashes(clip));
    expect(probePackets(moved, 'v').map((p) => wrapTicks(p.pts + 11 * 90_000))).toEqual(
      probePackets(clip, 'v').map((p) => p.pts),
    );
  });
});

describe('unwrapTicks', () => {
  it('gives the congruent time nearest to the reference', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
        fc.integer({ min: -(2 ** 32) + 1, max: 2 ** 32 - 1 }),
        (near, distance) => unwrapTicks(wrapTicks(near + distance), near) === near + distance,
      ),
    );
  });

  it('never throws on packets that are noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer(), (bytes, delta) => {
        const packets = Buffer.from(bytes);
        for (let at = 0; at < packets.length; at += 188) packets[at] = 0x47;
        const before = Buffer.from(packets);
        retimePackets(packets, delta);
        retimePackets(packets, -delta);
        // Only the reserved marker bits of a noisy field could differ, and they are kept too.
        expect(packets.equals(before)).toBe(true);
      }),
    );
  });
});
