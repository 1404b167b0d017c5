import { execFile } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { markDiscontinuity } from '../../src/media/encoder/segment-packets';
import { TransportStreamReader, inspectSegment } from '../../src/media/mpegts';
import { readFragment } from '../origin/support/boxes';
import { FRAME_TICKS, PART_FRAMES, partOf } from '../origin/support/gop-parts';
import type { Answer } from '../origin/support/origin-client';
import { RunningOrigin } from '../origin/support/running-origin';
import { encodeGops, type EncodedGop } from '../origin/support/segments';
import { readPlaylist } from './low-latency-player';
import { putPartOf, type PutPart } from './put-part';

/** A GOP of which a part is public, and another encode of it, cut after that part: the origin joins them. */

jest.setTimeout(60_000);

/** Of another encode: its beginning, as long as a part, and what follows, which stands by itself. */
interface CutGop {
  head: Buffer;
  tail: Buffer;
  whole: Buffer;
}

const declared = ({ segment }: EncodedGop): Buffer => {
  const packets: Buffer[] = [];
  let isFirst = true;
  const reader = new TransportStreamReader({
    onTables: (tables) => packets.push(tables),
    onUnit: (unit) => {
      if (isFirst) markDiscontinuity(unit.packets);
      isFirst = false;
      packets.push(unit.packets);
    },
  });
  reader.push(segment);
  reader.flush();
  return Buffer.concat(packets);
};

const cutGops = async (count: number, crf: number, atFrame = PART_FRAMES): Promise<CutGop[]> => {
  const cut = ['-force_key_frames', `expr:not(mod(n,50))+eq(mod(n,50),${atFrame})`];
  const pieces = await encodeGops(count, '64x48', { extra: ['-bf', '0', ...cut], crf });
  expect(pieces).toHaveLength(2 * count);
  return Array.from({ length: count }, (_, gop) => {
    const [head, tail] = [pieces[2 * gop]!.segment, declared(pieces[2 * gop + 1]!)];
    return { head, tail, whole: Buffer.concat([head, tail]) };
  });
};

let origin: RunningOrigin;
let gops: EncodedGop[];
let cut: CutGop[];
let otherwise: CutGop[];
let elsewhere: CutGop[];
beforeAll(async () => {
  gops = await encodeGops(4, '64x48', { extra: ['-bf', '0'] });
  cut = await cutGops(4, 30);
  otherwise = await cutGops(2, 40);
  elsewhere = await cutGops(2, 30, 20);
  origin = await RunningOrigin.start({}, { partialMs: 480 });
  gops.forEach(({ ptsTicks }, gop) => origin.relay.ptsTicksByGop.set(gop, ptsTicks));
});
afterAll(() => origin.stop());

let channel = 0;
let id: string;
/** A channel that B has from A, who had made the first part of GOP 1 public. */
beforeEach(async () => {
  id = `ch-${(channel += 1)}`;
  await origin.client.register(id);
  await origin.client.own(id, 0, 'a', 0);
  await origin.client.put(id, 0, 1, 'a', { r: gops[0]!.segment });
  expect((await put(0)).status).toBe(201);
  await origin.client.own(id, 1, 'b', 1, { ownerSecretSha256: '0'.repeat(64) });
  await origin.client.own(id, 2, 'b', 1);
});

const put = (index: number, options: PutPart = {}): Promise<Answer> =>
  putPartOf({ origin, id, gops }, index, options);
const OF_B = { token: 3, name: 'b', run: 'run-b' };
/** The next part of B: what is left of its cut GOP as far as that goes, or the bytes given. */
const putByB = (index: number, bytes: Buffer): Promise<Answer> => put(index, { ...OF_B, bytes });
const putWhole = (gop: number, segment: Buffer): Promise<Answer> =>
  origin.client.put(id, gop, 3, 'b', { r: segment });
/** Bytes of the first pictures of a stretch of a GOP, so many parts of it. */
const partsOfTail = ({ tail }: CutGop): Buffer[] =>
  [0, 1, 2, 3].map((index) => partOf({ segment: tail, ptsTicks: [] }, index));

const playlist = async (): Promise<ReturnType<typeof readPlaylist>> =>
  readPlaylist(await (await fetch(`${origin.playerUrl}/hls/${id}/r/index.m3u8`)).text());
const bytesAt = async (uri: string): Promise<Buffer> => {
  const answer = await fetch(`${origin.playerUrl}/hls/${id}/r/${uri}`);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
};
/** Pictures in fragments of MP4, decoded without a complaint. */
const decodedFrames = async (fragments: string[]): Promise<number> => {
  const folder = `${origin.playerUrl}/cmaf/${id}/r/`;
  const list = await (await fetch(`${folder}index.m3u8`)).text();
  const bytes = [/URI="([^"]*init[^"]*)"/.exec(list)![1]!, ...fragments].map(async (uri) => {
    const answer = await fetch(new URL(uri, folder));
    expect([uri, answer.status]).toEqual([uri, 200]);
    return Buffer.from(await answer.arrayBuffer());
  });
  const stream = Buffer.concat(await Promise.all(bytes));
  const child = execFile('ffmpeg', [
    ...['-v', 'warning', '-f', 'mp4', '-i', 'pipe:0', '-f', 'framecrc', 'pipe:1'],
  ]);
  child.stdin!.end(stream);
  const [out, complaints] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  expect(complaints).toBe('');
  return out.split('\n').filter((line) => line.startsWith('0,')).length;
};
const isDeclared = async (): Promise<boolean[]> =>
  (await playlist()).segments.map(({ discontinuity }) => discontinuity);

test('players keep what they have, and the rest of the GOP follows without a break', async () => {
  expect((await putWhole(1, cut[1]!.whole)).status).toBe(201);
  expect(await isDeclared()).toEqual([false, false]);
  const stored = await bytesAt('1.ts');
  expect(stored.equals(Buffer.concat([partOf(gops[1]!, 0), cut[1]!.tail]))).toBe(true);
  expect(inspectSegment(stored).videoPtsTicks).toEqual(gops[1]!.ptsTicks);
  // The same once more, as when its answer was lost: it is there.
  expect((await putWhole(1, cut[1]!.whole)).body.error?.code).toBe('gop-exists');
  expect((await putWhole(2, cut[2]!.whole)).status).toBe(201);
});

test('the next owner goes on with parts, the first of which can be decoded by itself', async () => {
  const [first, second] = partsOfTail(cut[1]!);
  expect((await playlist()).hint).toBe('1.p1.ts?t=3');
  expect((await putByB(1, first!)).status).toBe(201);
  expect((await putByB(1, first!)).status).toBe(200);
  expect((await putByB(2, second!)).status).toBe(201);
  const { open, hint, text: listed } = await playlist();
  expect(open.map(({ uri }) => uri)).toEqual(['1.p0.ts?t=1', '1.p1.ts?t=3', '1.p2.ts?t=3']);
  expect(hint).toBe('1.p3.ts?t=3');
  expect(listed.match(/1\.p\d\.ts\?t=\d",INDEPENDENT=YES/g)).toEqual([
    ...['1.p0.ts?t=1",INDEPENDENT=YES', '1.p1.ts?t=3",INDEPENDENT=YES'],
  ]);
  expect((await bytesAt('1.p1.ts?t=3')).equals(first!)).toBe(true);
  expect(await decodedFrames(['1.p0.m4s?t=1', '1.p1.m4s?t=3', '1.p2.m4s?t=3'])).toBe(3 * PART_FRAMES);
  const numbers = ['1.p0.m4s?t=1', '1.p1.m4s?t=3', '1.p2.m4s?t=3'].map(async (uri) => {
    const answer = await fetch(`${origin.playerUrl}/cmaf/${id}/r/${uri}`);
    return readFragment(new Uint8Array(await answer.arrayBuffer())).sequenceNumber;
  });
  expect(await Promise.all(numbers)).toEqual([2_000, 2_001, 2_002]);
  expect(await decodedFrames(['1.p1.m4s?t=3', '1.p2.m4s?t=3'])).toBe(2 * PART_FRAMES);
  // What is of another encode is no repetition.
  expect((await putByB(0, cut[1]!.head)).body.error?.code).toBe('conflict');
  expect((await putWhole(1, cut[1]!.whole)).status).toBe(201);
  expect(await isDeclared()).toEqual([false, false]);
  // What came with the GOP is longer than a part may be: players take the segment.
  expect((await playlist()).segments[1]!.parts).toEqual([]);
});

test('all of its parts are listed once the GOP is whole', async () => {
  for (const [i, bytes] of partsOfTail(cut[1]!).slice(0, 3).entries())
    expect((await putByB(1 + i, bytes)).status).toBe(201);
  expect((await putWhole(1, cut[1]!.whole)).status).toBe(201);
  const { parts } = (await playlist()).segments[1]!;
  expect(parts.map(({ uri }) => uri)).toEqual([
    ...['1.p0.ts?t=1', '1.p1.ts?t=3', '1.p2.ts?t=3', '1.p3.ts?t=3', '1.p4.ts?t=3'],
  ]);
  const played = await Promise.all(parts.map(({ uri }) => bytesAt(uri)));
  expect(Buffer.concat(played).equals(await bytesAt('1.ts'))).toBe(true);
});

test('a third owner goes on after the second', async () => {
  const [first] = partsOfTail(cut[1]!);
  await putByB(1, first!);
  await origin.client.own(id, 3, 'c', 1, { ownerSecretSha256: '0'.repeat(64) });
  await origin.client.own(id, 4, 'c', 1);
  // Its encode is cut elsewhere: at the end of the first part, as the second owner's was.
  const third = await origin.client.put(id, 1, 5, 'c', { r: cut[1]!.whole });
  expect(third.status).toBe(201);
  const stored = await bytesAt('1.ts');
  expect(inspectSegment(stored).videoPtsTicks).toEqual(gops[1]!.ptsTicks);
});

describe('what can’t be joined is another GOP: its parts are taken back, and that is declared', () => {
  test.each([
    ['is cut elsewhere', () => elsewhere[1]!.whole],
    ['is decoded otherwise', () => otherwise[1]!.whole],
  ])('one that %s', async (_, segment) => {
    expect((await putWhole(1, segment())).status).toBe(201);
    expect(await isDeclared()).toEqual([false, true]);
    expect((await bytesAt('1.ts')).equals(segment())).toBe(true);
    expect((await fetch(`${origin.playerUrl}/hls/${id}/r/1.p0.ts?t=1`)).status).toBe(404);
  });

  test('nor does a part go on that is decoded otherwise, or lacks a picture', async () => {
    const [other] = partsOfTail(otherwise[1]!);
    expect((await putByB(1, other!)).body.error?.code).toBe('conflict');
    const [first] = partsOfTail(cut[1]!);
    const short = { ...OF_B, bytes: first!, untilTicks: 180_000 + (2 * PART_FRAMES + 1) * FRAME_TICKS };
    expect(
      (await put(1, { ...short, untilTicks: short.untilTicks - 2 * FRAME_TICKS })).body.error?.code,
    ).toBe('ledger-mismatch');
    expect((await playlist()).open).toHaveLength(1);
  });
});
