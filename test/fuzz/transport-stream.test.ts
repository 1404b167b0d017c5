import { FeedDemuxer } from '../../src/media/encoder/feed-demuxer';
import { SegmentAssembler } from '../../src/media/encoder/segment-assembler';
import {
  MalformedTransportStream,
  TransportStreamReader,
  inspectSegment,
  retimePackets,
} from '../../src/media/mpegts';
import { readSegmentFormat } from '../../src/media/origin/segment-format';
import { makeClip } from '../mpegts/ffmpeg-clips';
import fc from '../support/fast-check';
import { fuzz, spoiler } from './fuzz';

const clips = [
  makeClip('ffmpeg', { seconds: 1, audio: ['-c:a', 'aac'] }),
  makeClip('ffmpeg', { seconds: 1, video: ['-c:v', 'mpeg2video'] }),
];
const cuts = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 });

/** Gives bytes to a reader in pieces of these lengths, again and again. */
const inPieces = (bytes: Buffer, lengths: number[], push: (piece: Buffer) => void): void => {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!;
    push(bytes.subarray(at, at + length));
    at += length;
  }
};

const orMalformed = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof MalformedTransportStream)) throw error;
    expect(error.message).toMatch(/\w+ \w+/);
  }
};

describe.each(clips.map((clip, i) => [['H.264 with AAC', 'MPEG-2'][i]!, clip] as const))(
  'spoilt %s',
  (_name, clip) => {
    it('is read or refused as malformed, and gives no more than was put in', () =>
      fuzz(fc.tuple(spoiler, cuts), ([spoilIt, lengths]) => {
        const bytes = spoilIt(clip);
        let out = 0;
        orMalformed(() => {
          const reader = new TransportStreamReader(
            {
              onUnit: ({ packets, ptsTicks, dtsTicks }) => {
                out += packets.length;
                expect(packets.length % 188).toBe(0);
                for (const ticks of [ptsTicks, dtsTicks]) {
                  expect(ticks).toBeGreaterThanOrEqual(0);
                  expect(ticks).toBeLessThan(2 ** 33);
                }
              },
            },
            { resyncLimitBytes: 4_096 },
          );
          inPieces(bytes, lengths, (piece) => reader.push(piece));
          reader.flush();
        });
        expect(out).toBeLessThanOrEqual(bytes.length);
      }));

    it('is a segment or none', () =>
      fuzz(spoiler, (spoilIt) => {
        const bytes = spoilIt(clip);
        orMalformed(() => {
          const { videoPtsTicks, hasAudio } = inspectSegment(bytes);
          expect(videoPtsTicks.length).toBeGreaterThan(0);
          const { widthPx, heightPx, codecs } = readSegmentFormat(bytes, hasAudio);
          expect(widthPx * heightPx).toBeGreaterThan(0);
          expect(codecs).toMatch(/^avc1\./);
        });
      }));

    it('is the same when retimed and retimed back', () =>
      fuzz(fc.tuple(spoiler, fc.integer({ min: -(2 ** 33), max: 2 ** 33 })), ([spoilIt, ticks]) => {
        const bytes = spoilIt(clip);
        const copy = Buffer.from(bytes);
        retimePackets(copy, ticks);
        retimePackets(copy, -ticks);
        expect(copy.equals(bytes)).toBe(true);
      }));

    it('breaks an encode with an error that the session handles', () =>
      fuzz(fc.tuple(spoiler, cuts), ([spoilIt, lengths]) => {
        const bytes = spoilIt(clip);
        const assembler = new SegmentAssembler({
          fromGop: 0,
          gopDurationTicks: 90_000,
          onSegment: ({ segment }) => expect(segment.length % 188).toBe(0),
        });
        const demuxer = new FeedDemuxer({
          onPicture: (packets) => expect(packets.length % 188).toBe(0),
          onTracks: (tracks) => assembler.setTracks(tracks),
          onPassed: (unit) => assembler.pass(unit),
        });
        for (const reader of [demuxer, assembler])
          try {
            inPieces(bytes, lengths, (piece) => reader.push(piece));
          } catch (error) {
            expect(error).not.toBeInstanceOf(TypeError);
            expect(error).not.toBeInstanceOf(RangeError);
          }
      }));
  },
);
