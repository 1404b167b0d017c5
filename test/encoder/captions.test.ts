import { execFileSync } from 'node:child_process';
import { TransportStreamReader, elementaryStreamOf, type PesUnit } from '../../src/media/mpegts';
import { until } from '../support/until';
import { FRAME_TICKS, readContribution } from './support/contribution';
import { FeedServer } from './support/feed-server';
import { RecordingOrigin } from './support/recording-origin';
import { GOP_TICKS, LADDER, sessionRequest, startHost } from './support/test-host';

const SECONDS = 30;
const run = (args: string[], input?: Buffer): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', ...args], { input, maxBuffer: 1 << 26 });

/** CEA-608 of field 1, and the start of a CEA-708 packet; the number of the picture is in both. */
const captionsOf = (picture: number): Buffer => {
  const number = [0x20 + (picture >> 6), 0x20 + (picture & 0x3f)];
  return Buffer.from([0xfc, ...number, 0xff, ...number]);
};

/** SEI of registered user data, ATSC A/53 part 4 §6.2.3. */
const captionSei = (picture: number): Buffer => {
  const captions = captionsOf(picture);
  const data = [...Buffer.from('GA94'), 0x03, 0x40 | (captions.length / 3), 0xff, ...captions, 0xff];
  const payload = [0xb5, 0x00, 0x31, ...data];
  return Buffer.from([0, 0, 0, 1, 0x06, 0x04, payload.length, ...payload, 0x80]);
};

/** Moving pictures of which each carries captions of its own. */
const captioned = (): Buffer => {
  const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '40', '-sc_threshold', '0'];
  const plain = run([
    ...['-f', 'lavfi', '-i', `testsrc2=s=160x90:r=25:d=${SECONDS}`, '-pix_fmt', 'yuv420p', ...encoder],
    ...['-x264-params', 'aud=1', '-f', 'h264', 'pipe:1'],
  ]);
  const delimiter = Buffer.from([0, 0, 0, 1, 0x09]);
  const parts: Buffer[] = [];
  let picture = 0;
  for (let at = plain.indexOf(delimiter); at >= 0; picture++) {
    const next = plain.indexOf(delimiter, at + 1);
    const end = next < 0 ? plain.length : next;
    // The delimiter has one byte of content; the parameter sets follow it.
    parts.push(plain.subarray(at, at + 6), captionSei(picture), plain.subarray(at + 6, end));
    at = next;
  }
  expect(picture).toBe(SECONDS * 25);
  const mux = ['-muxdelay', '0', '-muxpreload', '0', '-output_ts_offset', '10', '-f', 'mpegts', 'pipe:1'];
  return run(['-r', '25', '-f', 'h264', '-i', 'pipe:0', '-c', 'copy', ...mux], Buffer.concat(parts));
};

/** Captions of each picture of a segment, by channel time. */
const captionsIn = (segment: Buffer): Map<number, Buffer> => {
  const found = new Map<number, Buffer>();
  const reader = new TransportStreamReader({
    onUnit: (unit: PesUnit) => {
      if (unit.kind !== 'video') return;
      const stream = elementaryStreamOf(unit);
      const data = stream.indexOf('GA94') + 5;
      if (data < 5) return;
      found.set(unit.ptsTicks, stream.subarray(data + 2, data + 2 + 3 * (stream[data]! & 0x1f)));
    },
  });
  reader.push(segment);
  reader.flush();
  return found;
};

test('captions come out of every rendition with the picture that they came with, across a handoff', async () => {
  const feed = new FeedServer(readContribution(captioned()), GOP_TICKS, 5 * GOP_TICKS);
  const origin = new RecordingOrigin();
  await Promise.all([feed.listen(), origin.listen()]);
  const { client, stop } = await startHost();
  try {
    const renditions = LADDER.slice(0, 2);
    const first = sessionRequest(feed.url, origin.url, { renditions, fromGop: 2 });
    await client.prepare(first);
    await client.commit(first.sessionId, 1, 3);
    await until('GOP 4', () => origin.gops.includes(4));
    const second = sessionRequest(feed.url, origin.url, { renditions, fromGop: 4 });
    await client.prepare(second);
    expect((await client.awaitReady(second.sessionId, 10_000)).ready).toBe(true);
    origin.token = 2;
    await client.commit(second.sessionId, 2, origin.nextGop!);
    await until('two GOPs of the second', () => origin.published.filter((p) => p.token === 2).length >= 2);
    for (const { gop, segments } of origin.published) {
      const pictures = Array.from({ length: 25 }, (_, i) => 25 * gop + i);
      const expected = new Map(pictures.map((picture) => [picture * FRAME_TICKS, captionsOf(picture)]));
      for (const { name } of renditions) {
        const given = captionsIn(segments.get(name)!);
        expect([...given].sort(([a], [b]) => a - b)).toEqual([...expected]);
      }
    }
  } finally {
    await stop();
    await Promise.all([feed.close(), origin.close()]);
  }
});
