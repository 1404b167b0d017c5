import { Parser } from 'm3u8-parser';
import { cheapChannel, type DataPlane } from '../../bench/lib/data-plane';
import { RelayClient } from '../../src/contracts/relay';
import type { ChannelSpec, Splice, SpliceRequest } from '../../src/domain';
import { inspectSegment } from '../../src/media/mpegts';
import { startDataPlane } from '../support/data-plane';
import { readFragment } from './support/boxes';

const FRAME_TICKS = 3_600;
const GOP_TICKS = 24 * FRAME_TICKS;

/** GOPs of a second, and a rendition of half the rate beside the other. */
const spec = (): ChannelSpec => {
  const cheap = cheapChannel('ch-1', { kind: 'generated', sound: 'stereo' });
  const [whole] = cheap.ladder;
  return {
    ...cheap,
    // Of an even number of pictures, so that a rendition may have half of them.
    gopDurationTicks: GOP_TICKS,
    ladder: [whole!, { ...whole!, name: 'half', widthPx: 160, heightPx: 90, frameRateDivisor: 2 }],
  };
};

const textOf = async (url: string): Promise<string> => {
  const answer = await fetch(url);
  expect(answer.status).toBe(200);
  return answer.text();
};

interface Listed {
  uri: string;
  programTicks: number;
  durationTicks: number;
  dateMs: number;
  text: string;
}

const listed = async (url: string): Promise<Listed[]> => {
  const text = await textOf(url);
  const parser = new Parser();
  parser.push(text);
  parser.end();
  let programTicks = 0;
  return parser.manifest.segments.map((segment) => {
    const durationTicks = Math.round(segment.duration * 90_000);
    const found = { uri: new URL(segment.uri, url).href, programTicks, durationTicks, text };
    programTicks += durationTicks;
    return { ...found, dateMs: segment.dateTimeObject!.getTime() };
  });
};

const bytesOf = async (url: string): Promise<Buffer> => Buffer.from(await (await fetch(url)).arrayBuffer());

/**
 * The picture at which a splice takes place: the first one then or later. After the last but one of a GOP the rendition of
 * half the pictures has none left in it: then the next GOP is the cut.
 */
const pictureOf = (ticks: number): number => {
  const picture = Math.ceil((ticks - 180) / FRAME_TICKS) * FRAME_TICKS;
  return picture % GOP_TICKS === GOP_TICKS - FRAME_TICKS ? picture + FRAME_TICKS : picture;
};

/** A cut at exactly that picture, which is an IDR picture, in every rendition, as TS and as fragmented MP4. */
const expectCut = async (plane: DataPlane, ticks: number): Promise<void> => {
  for (const name of ['180p', 'half']) {
    const segments = await listed(`${plane.playerUrl}/hls/ch-1/${name}/index.m3u8?window_s=3600`);
    const at = segments.find(({ programTicks }) => programTicks === ticks);
    expect(segments.map(({ programTicks }) => programTicks)).toContain(ticks);
    const inside = inspectSegment(await bytesOf(at!.uri));
    expect(inside.beginsWithIdr).toBe(true);
    // Of half the pictures it is the first one from there on.
    const first = name === 'half' ? Math.ceil(ticks / (2 * FRAME_TICKS)) * 2 * FRAME_TICKS : ticks;
    expect(inside.videoPtsTicks[0]).toBe(first);
    const fragments = await listed(`${plane.playerUrl}/cmaf/ch-1/${name}/index.m3u8?window_s=3600`);
    const fragment = fragments.find(({ programTicks }) => programTicks === ticks)!;
    expect(readFragment(await bytesOf(fragment.uri)).decodeTime).toBe(first);
  }
  const sound = await listed(`${plane.playerUrl}/cmaf/ch-1/sound-1/index.m3u8?window_s=3600`);
  expect(sound.map(({ programTicks }) => programTicks)).toContain(ticks);
};

/** Real encoders, a handoff and a kill, each in a GOP with a splice in it. */
test('segments are cut at the splice, also where the channel changes hands in that GOP', async () => {
  const { plane, stop } = await startDataPlane({ encoders: 2 });
  const relay = new RelayClient(plane.relayUrl);
  const splice = (request: SpliceRequest): Promise<Splice> => relay.splice('ch-1', request);
  const gopOf = (ticks: number): number => Math.floor(ticks / GOP_TICKS);
  try {
    const channel = spec();
    await plane.putOnAir(channel, 'enc-1');
    await plane.published('ch-1', 1);

    const out = await splice({ kind: 'out', durationMs: 2_480, eventId: 7 });
    const [first, second] = [out.atTicks, out.endTicks!].map(pictureOf);
    await plane.published('ch-1', gopOf(second!));
    await expectCut(plane, first!);
    await expectCut(plane, second!);

    // A handoff from the very GOP on.
    const moved = await splice({ kind: 'out', inMs: 3_000, eventId: 8 });
    await plane.published('ch-1', gopOf(moved.atTicks) - 1);
    await plane.takeOver(channel, 'enc-2');
    await plane.published('ch-1', gopOf(pictureOf(moved.atTicks)));
    await expectCut(plane, pictureOf(moved.atTicks));

    // The encoder dies amid it.
    const back = await splice({ kind: 'return', inMs: 3_000 });
    await plane.published('ch-1', gopOf(back.endTicks!) - 1);
    await plane.kill('enc-2');
    await plane.takeOver(channel, 'enc-1');
    await plane.published('ch-1', gopOf(back.endTicks!) + 1);
    await expectCut(plane, pictureOf(back.endTicks!));

    const report = await plane.verify(['ch-1']);
    expect(report).toMatchObject({ framesLost: 0, framesRepeated: 0, framesInvalid: 0, ok: true });
  } finally {
    await stop();
  }
}, 120_000);
