import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PesUnit } from '../../src/media/mpegts';
import { verifierFfmpegPaths, verifyPlaylists, type VerifyReport } from '../../src/verify';
import { key, writePlaylist } from './reference';
import { makeSoundClip, moved, segmentsOf, type SoundClip } from './sound-reference';

const GOPS = 3;
const FRAME = 1_024;
const FRAME_TICKS = 1_920;

let root: string;
let lists = 0;
let ffmpegPaths: string[];
let clip: SoundClip;
let silence: SoundClip;
let swapped: SoundClip;
let other: SoundClip;
let surround: SoundClip;
let swappedSurround: SoundClip;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'verify-sound-'));
  ffmpegPaths = await verifierFfmpegPaths({ FFMPEG: 'ffmpeg' });
  clip = await makeSoundClip(root, GOPS);
  silence = await makeSoundClip(root, GOPS, { filter: 'volume=0' });
  swapped = await makeSoundClip(root, GOPS, { filter: 'channelmap=1|0:stereo' });
  other = await makeSoundClip(root, GOPS, { channelId: 'ch-2' });
  surround = await makeSoundClip(root, GOPS, { speakers: 6 });
  const filter = 'channelmap=4|1|2|3|0|5:5.1';
  swappedSurround = await makeSoundClip(root, GOPS, { speakers: 6, filter });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const verify = async (
  sound: readonly PesUnit[],
  speakers?: number,
  builds = ffmpegPaths.slice(0, 1),
): Promise<VerifyReport> => {
  const playlist = await writePlaylist(join(root, String(lists++)), segmentsOf(clip, sound));
  return verifyPlaylists({
    ...{ playlists: [playlist], key, ffmpegPaths: builds },
    ...(speakers !== undefined && { speakers: { 'ch-1': speakers } }),
  });
};

/** What is in place of a run of frames of the sound. */
const withFrames = (from: number, count: number, instead: readonly PesUnit[]): PesUnit[] => [
  ...clip.sound.slice(0, from),
  ...instead,
  ...clip.sound.slice(from + count),
];

const figures = ({
  ok,
  audioSamplesLost: lost,
  audioSamplesRepeated: repeated,
  audioSamplesInvalid: invalid,
}: VerifyReport) => ({ ok, lost, repeated, invalid });

it('proves each sample of stamped sound, by both builds of ffmpeg', async () => {
  expect(ffmpegPaths).toHaveLength(2);
  const report = await verify(clip.sound, 2, ffmpegPaths);
  expect(report.playlists[0]!.problems).toEqual([]);
  expect(figures(report)).toEqual({ ok: true, lost: 0, repeated: 0, invalid: 0 });
  // All but two frames at the beginning, and the half second that may be in the GOP after.
  expect(report.audioSamplesChecked).toBe(GOPS * 48_000 - 24_000 - 2 * FRAME);
  expect(report.avOffsetChangeMs).toBe(0);
});

it('proves each sample of 5.1, and finds two speakers that were swapped', async () => {
  const report = await verify(surround.sound, 6, ffmpegPaths);
  expect(report.playlists[0]!.problems).toEqual([]);
  expect(figures(report)).toEqual({ ok: true, lost: 0, repeated: 0, invalid: 0 });
  expect(report.audioSamplesChecked).toBeGreaterThan(100_000);
  const swap = figures(await verify(swappedSurround.sound, 6));
  expect(swap.ok).toBe(false);
  expect(swap.invalid + swap.lost).toBeGreaterThan(100_000);
});

describe('of sound that is wrong it finds', () => {
  it('a frame that is missing, whether the time goes on or not', async () => {
    const missing = withFrames(80, 1, []);
    expect(figures(await verify(missing))).toEqual({ ok: false, lost: FRAME, repeated: 0, invalid: FRAME });
    const closed = [...missing.slice(0, 80), ...moved(missing.slice(80), -FRAME_TICKS)];
    const report = await verify(closed);
    expect(figures(report)).toMatchObject({ ok: false, lost: FRAME });
    expect(report.avOffsetChangeMs).toBeCloseTo(21.33, 1);
    expect(report.playlists[0]!.problems.join()).toMatch(/1024 samples missing at 1\.707 s/);
  });

  it('a frame that is heard twice', async () => {
    const twice = withFrames(80, 1, [clip.sound[80]!, ...moved([clip.sound[80]!], 1)]);
    expect(figures(await verify(twice))).toEqual({ ok: false, lost: 0, repeated: FRAME, invalid: FRAME });
  });

  it('silence, and sound of another channel', async () => {
    for (const { sound } of [silence, other]) {
      const report = await verify(withFrames(50, 10, sound.slice(50, 60)));
      expect(figures(report)).toEqual({ ok: false, lost: 0, repeated: 0, invalid: 11 * FRAME });
    }
  });

  it('speakers that are exchanged, or too few', async () => {
    const checked = GOPS * 48_000 - 24_000 - 2 * FRAME;
    expect(figures(await verify(swapped.sound))).toMatchObject({ ok: false, lost: 0, invalid: checked });
    expect(figures(await verify(clip.sound, 1))).toMatchObject({ ok: false, invalid: checked });
  });

  it('sound that is late, though none is missing', async () => {
    const report = await verify(moved(clip.sound, 3_600));
    expect(figures(report)).toMatchObject({ ok: false, repeated: 0, invalid: 0 });
    expect(report.playlists[0]!.problems.join()).toContain('40.0 to 40.0 ms later than its picture');
  });

  it('none at all, where the channel has some', async () => {
    expect(figures(await verify([], 2))).toMatchObject({ ok: false, repeated: 0, invalid: 0 });
    expect(await verify([])).toMatchObject({ ok: true, audioSamplesChecked: 0, avOffsetChangeMs: null });
  });
});
