import { createHash } from 'node:crypto';
import {
  MalformedTransportStream,
  PACKET_BYTES,
  TransportStreamReader,
  WRAP_TICKS,
  inspectSegment,
  ptsLedgerHash,
} from '../../src/media/mpegts';
import fc from '../support/fast-check';
import { ffmpegBuilds, makeClip, probePackets } from './ffmpeg-clips';

describe.each(ffmpegBuilds)('inspectSegment on the output of %s', (ffmpeg) => {
  it('lists the PTS in order of presentation, across the wrap', () => {
    const clip = makeClip(ffmpeg, { startSeconds: WRAP_TICKS / 90_000 - 1, audio: ['-c:a', 'aac'] });
    const found = inspectSegment(clip);
    expect(found).toMatchObject({ beginsWithIdr: true, videoStreamType: 0x1b, hasAudio: true });
    expect(found.videoPtsTicks).toHaveLength(50);
    const first = found.videoPtsTicks[0]!;
    expect(found.videoPtsTicks).toEqual(found.videoPtsTicks.map((_, i) => (first + i * 3600) % WRAP_TICKS));
    expect(found.videoPtsTicks[49]!).toBeLessThan(first);
    expect(new Set(found.videoPtsTicks)).toEqual(
      new Set(probePackets(clip, 'v').map((p) => p.pts % WRAP_TICKS)),
    );
  });
});

describe('inspectSegment', () => {
  const clip = makeClip('ffmpeg', { video: ['-c:v', 'libx264', '-g', '25', '-sc_threshold', '0'] });
  const bounded = makeClip('ffmpeg', { muxer: ['-omit_video_pes_length', '0'] });
  const refused = (segment: Buffer) =>
    expect(() => inspectSegment(segment)).toThrow(MalformedTransportStream);

  it('refuses what is not a whole transport stream', () => {
    refused(Buffer.alloc(0));
    refused(Buffer.from('not video'));
    refused(Buffer.alloc(PACKET_BYTES * 4, 0x47));
    refused(clip.subarray(0, clip.length - 1));
    refused(clip.subarray(1));
    refused(bounded.subarray(0, 8 * PACKET_BYTES));
    refused(makeClip('ffmpeg', { video: ['-vn'], audio: ['-c:a', 'aac'] }));
  });

  it('refuses a segment that lacks packets in its middle', () => {
    const third = Math.floor(clip.length / 3 / PACKET_BYTES) * PACKET_BYTES;
    refused(Buffer.concat([clip.subarray(0, third), clip.subarray(third + 3 * PACKET_BYTES)]));
  });

  it('says when a segment does not begin with an IDR picture', () => {
    const starts: number[] = [];
    let at = 0;
    const reader = new TransportStreamReader({
      onUnit: (unit) => {
        if (!unit.keyframe) starts.push(at);
      },
    });
    for (; at < clip.length && starts.length < 3; at += PACKET_BYTES)
      reader.push(clip.subarray(at, at + PACKET_BYTES));
    const tables = clip.subarray(PACKET_BYTES, 3 * PACKET_BYTES);
    const tail = Buffer.concat([tables, clip.subarray(starts[1])]);
    expect(inspectSegment(tail).beginsWithIdr).toBe(false);
    expect(inspectSegment(clip).beginsWithIdr).toBe(true);
  });
});

describe('readers on damaged input', () => {
  const clip = makeClip('ffmpeg', { seconds: 1, audio: ['-c:a', 'aac'] });
  const onlyMalformed = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      if (!(error instanceof MalformedTransportStream)) throw error;
    }
  };
  const readAll = (stream: Buffer): void => {
    onlyMalformed(() => inspectSegment(stream));
    onlyMalformed(() => {
      const reader = new TransportStreamReader(
        { onUnit: () => {}, onTables: () => {} },
        { resyncLimitBytes: 1e6 },
      );
      for (let at = 0; at < stream.length; at += 777) reader.push(stream.subarray(at, at + 777));
      reader.flush();
    });
  };

  it('never throw anything but MalformedTransportStream on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), fc.boolean(), (bytes, synced) => {
        const stream = Buffer.from(bytes);
        if (synced) for (let at = 0; at < stream.length; at += PACKET_BYTES) stream[at] = 0x47;
        readAll(stream);
      }),
      { numRuns: 500 },
    );
  });

  it('never throw anything else on flips, cuts and splices of a real stream', () => {
    const place = fc.nat({ max: clip.length - 1 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { maxLength: 40 }),
        place,
        place,
        (flips, from, to) => {
          const stream = Buffer.from(clip);
          for (const [at, mask] of flips) stream[at]! ^= mask;
          readAll(stream);
          readAll(stream.subarray(0, to));
          readAll(Buffer.concat([stream.subarray(0, from), stream.subarray(to)]));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('ptsLedgerHash', () => {
  it('is SHA-256 over the decimal values joined by commas', () => {
    const expected = createHash('sha256').update('0,3600,7200').digest('hex');
    expect(ptsLedgerHash([0, 3600, 7200])).toBe(expected);
    expect(ptsLedgerHash([0, 3600])).not.toBe(expected);
  });
});
