import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { path as oldFfmpeg } from '@ffmpeg-installer/ffmpeg';
import {
  verifierFfmpegPaths,
  verifyPlaylists,
  type PlaylistReport,
  type VerifyOptions,
} from '../../src/verify';
import { FRAMES_PER_GOP, countersOf, encodeGop, key, writePlaylist, type Entry } from './reference';

const GOPS = 6;
const F = FRAMES_PER_GOP;
const FRAMES = GOPS * F;

let root: string;
let folder = 0;
let ffmpegPaths: string[];
/** Sound GOPs 0 to 6 of ch-1; GOP 6 follows the reference run of six. */
let gops: Buffer[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'verify-test-'));
  ffmpegPaths = await verifierFfmpegPaths({ FFMPEG: 'ffmpeg' });
  gops = await Promise.all(Array.from({ length: GOPS + 1 }, (_, gop) => encodeGop({ gop })));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const entries = (...segments: Buffer[]): Entry[] => segments.map((segment) => ({ segment }));
const reference = (): Buffer[] => gops.slice(0, GOPS);
/** The reference run with one GOP replaced. */
const withGop = (gop: number, segment: Buffer): Entry[] => entries(...reference().with(gop, segment));

const verify = async (
  list: Entry[],
  place: { mediaSequence?: number; channelId?: string } = {},
  options: Partial<VerifyOptions> = {},
): Promise<PlaylistReport & { ok: boolean }> => {
  const playlist = await writePlaylist(join(root, String(folder++)), list, place);
  const report = await verifyPlaylists({ playlists: [playlist], key, ffmpegPaths, ...options });
  expect(report.playlists).toHaveLength(1);
  const only = report.playlists[0]!;
  expect(report.ok).toBe(only.problems.length === 0);
  return { ...only, ok: report.ok };
};

const counts = ({ framesLost, framesRepeated, framesInvalid }: PlaylistReport) => ({
  framesLost,
  framesRepeated,
  framesInvalid,
});
const clean = { framesLost: 0, framesRepeated: 0, framesInvalid: 0, problems: [] };

describe('a sound stream passes', () => {
  it('on both builds of ffmpeg', async () => {
    expect(ffmpegPaths).toEqual(['ffmpeg', oldFfmpeg]);
    const report = await verify(entries(...reference()));
    expect(report).toMatchObject({
      ...{ ok: true, channelId: 'ch-1', rendition: '180p', checkedBy: 'stamp', ...clean },
      ...{ firstGop: 0, lastGop: GOPS - 1, framesChecked: FRAMES, gapsDeclared: 0 },
    });
  });

  it.each([
    [256, 144, 28],
    [426, 240, 26],
    [160, 90, 30],
  ])('scaled to %ix%i, crf %i', async (widthPx, heightPx, crf) => {
    const scaled = await Promise.all([0, 1, 2].map((gop) => encodeGop({ gop, widthPx, heightPx, crf })));
    expect(await verify(entries(...scaled))).toMatchObject({ ok: true, framesChecked: 3 * F, ...clean });
  });

  it('with GOPs of other renditions between discontinuities', async () => {
    const small = await encodeGop({ gop: 2, widthPx: 160, heightPx: 90 });
    const large = await encodeGop({ gop: 3, widthPx: 426, heightPx: 240 });
    const list = withGop(2, small).with(3, { segment: large });
    for (const at of [2, 3, 4]) list[at]!.discontinuity = true;
    expect(await verify(list)).toMatchObject({ ok: true, framesChecked: FRAMES, ...clean });
  });

  it('with a declared gap, which is counted', async () => {
    const list = entries(...reference());
    list[2] = { gap: true };
    expect(await verify(list)).toMatchObject({
      ok: true,
      framesChecked: FRAMES - F,
      gapsDeclared: 1,
      ...clean,
    });
  });

  it('when its window has slid on', async () => {
    const report = await verify(entries(...reference().slice(2)), { mediaSequence: 2 });
    expect(report).toMatchObject({ ok: true, firstGop: 2, lastGop: 5, framesChecked: 4 * F, ...clean });
  });

  it('across the wrap of the 33-bit clock', async () => {
    const before = Math.floor(2 ** 33 / 90_000) - 1;
    const wrapping = await Promise.all([0, 1, 2, 3].map((i) => encodeGop({ gop: before + i })));
    const report = await verify(entries(...wrapping), { mediaSequence: before });
    expect(report).toMatchObject({ ok: true, framesChecked: 4 * F, ...clean });
  });
});

describe('a stream that is not continuous fails', () => {
  it('lost GOP, the list closes over it', async () => {
    const report = await verify(entries(...reference().toSpliced(2, 1)));
    expect(report.framesLost).toBe(F);
    expect(report.problems).toContain(`frames ${2 * F}-${3 * F - 1} (GOP 2): missing`);
  });

  it('lost first GOP, media sequence not adjusted', async () => {
    const report = await verify(entries(...reference().slice(1)));
    expect(report.framesLost).toBe(F);
    expect(report.problems).toContain(`frames 0-${F - 1} (GOP 0): missing`);
  });

  it('lost first GOPs, media sequence adjusted, when they had to be there', async () => {
    const options = { fromGop: { 'ch-1': 0 } };
    const report = await verify(entries(...reference().slice(2)), { mediaSequence: 2 }, options);
    expect(counts(report)).toEqual({ framesLost: 2 * F, framesRepeated: 0, framesInvalid: 0 });
    expect(report.problems).toEqual([`frames 0-${2 * F - 1} (GOPs 0-1): missing`]);
  });

  it('undeclared gap: the segment is listed but not there', async () => {
    const list = entries(...reference());
    list[3] = {};
    const report = await verify(list);
    expect(counts(report)).toEqual({ framesLost: F, framesRepeated: 0, framesInvalid: 0 });
    expect(report.problems).toContain(`frames ${3 * F}-${4 * F - 1} (GOP 3): missing`);
    expect(report.problems[0]).toMatch(/^GOP 3: its segment can't be fetched: .*ENOENT/);
  });

  it('duplicated GOP', async () => {
    const report = await verify(entries(...reference().toSpliced(2, 0, gops[2]!)));
    expect(report.framesRepeated).toBe(F);
    expect(report.problems.join('\n')).toContain(`frames ${2 * F}-${3 * F - 1} (GOP 2): shown again`);
  });

  it('duplicated GOP in the place of another, with its time stamps', async () => {
    const copy = await encodeGop({ gop: 3, counters: countersOf(2) });
    const report = await verify(withGop(3, copy));
    expect(counts(report)).toEqual({ framesLost: F, framesRepeated: F, framesInvalid: 0 });
  });

  it('swapped GOPs', async () => {
    const report = await verify(entries(...reference().with(2, gops[3]!).with(3, gops[2]!)));
    expect(report.framesInvalid).toBe(2 * F);
    expect(report.problems.join('\n')).toContain(
      `frames ${2 * F}-${3 * F - 1} (GOP 2): out of order, shown after a later frame`,
    );
  });

  it('swapped GOPs with perfect time stamps', async () => {
    const list = withGop(2, await encodeGop({ gop: 2, counters: countersOf(3) }));
    list[3] = { segment: await encodeGop({ gop: 3, counters: countersOf(2) }) };
    const report = await verify(list);
    expect(counts(report)).toEqual({ framesLost: 0, framesRepeated: 0, framesInvalid: 2 * F });
    expect(report.problems.join('\n')).toContain("shown at another frame's time");
    expect(report.problems.join('\n')).toContain('out of order');
  });

  it('partial GOP', async () => {
    const cut = await encodeGop({ gop: 3, counters: countersOf(3).slice(0, 20) });
    const report = await verify(withGop(3, cut));
    expect(counts(report)).toEqual({ framesLost: F - 20, framesRepeated: 0, framesInvalid: 0 });
    expect(report.problems).toEqual([`frames ${3 * F + 20}-${4 * F - 1} (GOP 3): missing`]);
  });

  it('a segment cut off at the end', async () => {
    const half = gops[3]!.subarray(0, Math.floor(gops[3]!.length / 2 / 188) * 188);
    const report = await verify(withGop(3, half));
    expect(report.framesLost).toBeGreaterThan(0);
    expect(report.framesLost).toBeLessThanOrEqual(F);
    expect(report.ok).toBe(false);
  });

  it.each([
    ['with another key', { key: Buffer.alloc(32, 1) }, 'stamp with a wrong HMAC'],
    ['without a stamp', { unstamped: true }, 'no readable stamp'],
    ['of another channel', { channelId: 'ch-2' }, 'stamp of another channel'],
  ])('a fabricated GOP %s, time stamps perfect', async (_, fake, reason) => {
    const report = await verify(withGop(3, await encodeGop({ gop: 3, ...fake })));
    expect(counts(report)).toEqual({ framesLost: F, framesRepeated: 0, framesInvalid: F });
    expect(report.problems.join('\n')).toContain(`frames ${3 * F}-${4 * F - 1} (GOP 3): ${reason}`);
  });

  it('one dropped frame', async () => {
    const report = await verify(withGop(3, await encodeGop({ gop: 3, dropped: [7] })));
    expect(counts(report)).toEqual({ framesLost: 1, framesRepeated: 0, framesInvalid: 0 });
    expect(report.problems).toEqual([`frame ${3 * F + 7} (GOP 3): missing`]);
  });

  it('one frame shown twice in the place of the next, time stamps perfect', async () => {
    const counters = countersOf(3).with(8, 3 * F + 7);
    const report = await verify(withGop(3, await encodeGop({ gop: 3, counters })));
    expect(counts(report)).toEqual({ framesLost: 1, framesRepeated: 1, framesInvalid: 0 });
  });

  it('frozen picture with perfect time stamps', async () => {
    const frozen = await encodeGop({ gop: 3, counters: countersOf(3).map(() => 3 * F) });
    const report = await verify(withGop(3, frozen));
    expect(counts(report)).toEqual({ framesLost: F - 1, framesRepeated: F - 1, framesInvalid: 0 });
    expect(report.problems.join('\n')).toContain(`frame ${3 * F} (GOP 3): shown again, ${F - 1} times`);
  });

  it('all frames right but each at the time of the next', async () => {
    const late = await Promise.all(
      [0, 1, 2].map((gop) => encodeGop({ gop, counters: countersOf(gop).map((n) => n + 1) })),
    );
    const report = await verify(entries(...late));
    expect(report.framesInvalid).toBe(3 * F);
    expect(report.framesLost).toBe(1);
  });

  it("another channel's stream in whole", async () => {
    const report = await verify(entries(...reference()), { channelId: 'ch-2' });
    expect(counts(report)).toEqual({ framesLost: FRAMES, framesRepeated: 0, framesInvalid: FRAMES });
  });

  it('a GOP shown although it was declared a gap before it', async () => {
    const list = entries(...reference());
    list[2] = { gap: true };
    list[3] = { segment: gops[2]! };
    const report = await verify(list);
    expect(report.problems.join('\n')).toContain('shown, though declared a gap');
    expect(report.framesLost).toBe(F);
  });

  it('a segment that is no transport stream', async () => {
    const report = await verify(withGop(3, Buffer.from('<html>not found</html>')));
    expect(report.framesLost).toBe(F);
    expect(report.problems.join('\n')).toContain('GOP 3: not a sound transport stream');
  });
});

describe('a rendition of half the rate', () => {
  /** GOPs of 2 s, 50 pictures of the channel, of which some are left out. */
  const halfGop = (gop: number, isDropped: (index: number) => boolean) => {
    const indices = Array.from({ length: 2 * F }, (_, i) => i);
    const counters = indices.map((i) => gop * 2 * F + i);
    return encodeGop({ gop: 2 * gop, counters, dropped: indices.filter(isDropped) });
  };
  /** With a master playlist that says how many frames a second it has. */
  const verifyAs = async (framesPerSecond: number, segments: Buffer[]): Promise<PlaylistReport> => {
    const media = await writePlaylist(join(root, String(folder++)), entries(...segments));
    await writeFile(media, (await readFile(media, 'utf8')).replaceAll('EXTINF:1.000', 'EXTINF:2.000'));
    const master = join(dirname(dirname(media)), 'index.m3u8');
    const line = `#EXT-X-STREAM-INF:BANDWIDTH=9,FRAME-RATE=${framesPerSecond.toFixed(3)}`;
    await writeFile(master, `#EXTM3U\n${line}\n180p/index.m3u8\n`);
    return (await verifyPlaylists({ playlists: [master], key, ffmpegPaths })).playlists[0]!;
  };
  const odd = (index: number): boolean => index % 2 === 1;

  it('passes by its stamps, where the master playlist says so', async () => {
    const halves = await Promise.all([0, 1, 2].map((gop) => halfGop(gop, odd)));
    expect(await verifyAs(12.5, halves)).toMatchObject({ ...clean, framesChecked: 3 * F });
    expect((await verifyAs(25, halves)).problems).toContain(
      'it has 12.500 frames/s, the master playlist says 25.000',
    );
  });

  it('is found out where it holds other pictures, or lacks one', async () => {
    const [first, second] = await Promise.all([0, 1].map((gop) => halfGop(gop, odd)));
    const others = await halfGop(2, (index) => index % 2 === 0);
    expect((await verifyAs(12.5, [first!, second!, others])).framesInvalid).toBeGreaterThan(0);
    const lacking = await halfGop(2, (index) => odd(index) || index === 20);
    expect(await verifyAs(12.5, [first!, second!, lacking])).toMatchObject({ framesLost: 1 });
  });
});

describe('a channel without stamps', () => {
  const plain = (gop: number, more = {}) => encodeGop({ gop, unstamped: true, ...more });
  const byTime = { unstampedChannels: ['ch-1'] };

  it('is checked by its time stamps', async () => {
    const list = entries(...(await Promise.all([0, 1, 2].map((gop) => plain(gop)))));
    const sound = { ok: true, checkedBy: 'timestamps', framesChecked: 3 * F, ...clean };
    expect(await verify(list, {}, byTime)).toMatchObject(sound);
    expect(await verify(list, {}, { key: null })).toMatchObject(sound);
    // Without being told so, the check takes a missing stamp for a fake.
    expect(await verify(list)).toMatchObject({ ok: false, framesInvalid: 3 * F });
  });

  it('fails on a dropped frame, a lost GOP and a duplicated one', async () => {
    const [first, second, third, damaged] = await Promise.all([
      ...[0, 1, 2].map((gop) => plain(gop)),
      plain(1, { dropped: [7] }),
    ]);
    expect(counts(await verify(entries(first, damaged!, third!), {}, byTime))).toEqual({
      ...{ framesLost: 1, framesRepeated: 0, framesInvalid: 0 },
    });
    expect((await verify(entries(first, third!), {}, byTime)).framesLost).toBe(F);
    expect((await verify(entries(first, second!, second!, third!), {}, byTime)).framesRepeated).toBe(F);
  });
});

describe('what can not be verified is refused with a hint', () => {
  const refusal = (playlist: string, options: Partial<VerifyOptions> = {}) =>
    expect(verifyPlaylists({ playlists: [playlist], key, ffmpegPaths: ['ffmpeg'], ...options })).rejects;
  const file = async (text: string): Promise<string> => {
    const path = join(root, `bad-${folder++}.m3u8`);
    await writeFile(path, text);
    return path;
  };

  it('a playlist that is not there', async () => {
    await refusal(join(root, 'none', 'index.m3u8')).toMatchObject({
      ...{ code: 'unavailable', hint: expect.any(String) },
    });
    await refusal('http://').toMatchObject({ code: 'bad-request', hint: expect.any(String) });
  });

  it('a playlist that is not HLS, or empty', async () => {
    const bad = { code: 'bad-request', hint: expect.any(String) };
    await refusal(await file('<html></html>')).toMatchObject(bad);
    await refusal(await file('')).toMatchObject(bad);
    await refusal(await file('#EXTM3U\n#EXT-X-TARGETDURATION:2\n')).toMatchObject({
      ...bad,
      message: expect.stringContaining('lists no segment'),
    });
    await refusal(await file('#EXTM3U\n#EXT-X-MAP:URI="i.mp4"\n#EXTINF:2,\na.m4s\n')).toMatchObject(bad);
  });

  it('a playlist that is damaged', async () => {
    const master = await file('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS\n180p/index.m3u8\n');
    await refusal(master).toMatchObject({ code: 'bad-request', message: expect.stringContaining('damaged') });
    const media = await file('#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://[\n');
    await refusal(media).toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('"http://["'),
    });
  });

  it('no playlist, no decoder, or one that does not run', async () => {
    const playlist = await writePlaylist(join(root, String(folder++)), entries(...reference()));
    await refusal(playlist, { playlists: [] }).toMatchObject({ code: 'bad-request' });
    await refusal(playlist, { ffmpegPaths: [] }).toMatchObject({ code: 'bad-request' });
    await refusal(playlist, { ffmpegPaths: [join(dirname(playlist), 'no-ffmpeg')] }).toMatchObject({
      code: 'unavailable',
      hint: expect.any(String),
    });
  });
});
