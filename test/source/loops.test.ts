import { picture, tone, makeInputFiles, type InputFiles } from './inputs';
import { joinPasses, stepsOf } from './passes';

const PASSES = 3;
const h264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'];

let files: InputFiles;
makeInputFiles((made) => (files = made));

const ascending = (numbers: number[]): number[] => [...numbers].sort((a, b) => a - b);
type Clip = [what: string, pictures: number, make: () => Promise<string>];

const clips: Clip[] = [
  ['B-frames', 50, () => files.make('b.mp4', ...picture('160x90', 25, 2), ...h264, '-bf', '3', '-g', '25')],
  [
    '30000/1001 pictures/s',
    45,
    () => files.make('n.mp4', ...picture('160x90', 30, 1.5), '-r', '30000/1001', ...h264),
  ],
  [
    '60000/1001 pictures/s in MPEG-TS',
    60,
    () => files.make('f.ts', ...picture('160x90', 60, 1), '-r', '60000/1001', ...h264),
  ],
  [
    'open GOPs',
    50,
    () =>
      files.make(
        'o.mp4',
        ...picture('160x90', 25, 2),
        ...h264,
        '-g',
        '12',
        '-x264-params',
        'open-gop=1:bframes=2',
      ),
  ],
  [
    'MPEG-2 with B-frames',
    50,
    () => files.make('m.ts', ...picture('160x90', 25, 2), '-c:v', 'mpeg2video', '-bf', '2', '-g', '12'),
  ],
  [
    'HEVC',
    50,
    () =>
      files.make(
        'h.mp4',
        ...picture('160x90', 25, 2),
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-x265-params',
        'log-level=error',
      ),
  ],
  ['half a second', 12, () => files.make('half.mp4', ...picture('160x90', 25, 0.48), ...h264)],
  ['one picture', 1, () => files.make('one.mp4', ...picture('160x90', 25, 1), '-frames:v', '1', ...h264)],
  ['a GIF', 20, () => files.make('g.gif', ...picture('160x90', 10, 2))],
  [
    'WebM',
    50,
    () =>
      files.make(
        'w.webm',
        ...picture('160x90', 25, 2),
        '-c:v',
        'libvpx',
        '-deadline',
        'realtime',
        '-cpu-used',
        '8',
      ),
  ],
  [
    'Matroska with B-frames at 24000/1001 pictures/s, which counts milliseconds',
    48,
    () => files.make('k.mkv', ...picture('160x90', 24, 2), '-r', '24000/1001', ...h264, '-bf', '2'),
  ],
  ['FLV', 45, () => files.make('f.flv', ...picture('160x90', 30, 1.5), '-r', '30000/1001', ...h264)],
  [
    'a phone film on its side',
    50,
    async () => {
      const flat = await files.make('flat.mp4', ...picture('160x90', 25, 2), ...h264);
      return files.make('upright.mp4', '-i', flat, '-c', 'copy', '-metadata:s:v', 'rotate=90');
    },
  ],
  [
    'an AVI, which has no times of presentation',
    50,
    () => files.make('a.avi', ...picture('160x90', 25, 2), ...h264, '-bf', '2'),
  ],
];

it.each(clips)(
  '%s: every picture of every pass is there, one picture apart',
  async (_what, pictures, make) => {
    const { video, frameTicks } = await joinPasses(await make(), PASSES);
    expect(video).toHaveLength(PASSES * pictures);
    const shown = ascending(video.map((unit) => unit.ptsTicks));
    const expected = shown.map((_ticks, i) => Math.round(shown[0]! + i * frameTicks));
    expect(shown.filter((ticks, i) => Math.abs(ticks - expected[i]!) > 1)).toEqual([]);
    for (const step of Object.keys(stepsOf(video.map((unit) => unit.dtsTicks))).map(Number)) {
      expect(step).toBeGreaterThan(0);
      expect(step).toBeLessThan(90_000);
    }
  },
);

it('packets of each track are counted on from pass to pass', async () => {
  const url = await files.make('c.mp4', ...picture('160x90', 25, 1), ...tone(1), ...h264, '-c:a', 'aac');
  const { units } = await joinPasses(url, PASSES);
  const last = new Map<number, number>();
  for (const { pid, packets } of units)
    for (let at = 3; at < packets.length; at += 188) {
      if (!(packets[at]! & 0x10)) continue;
      const counter = packets[at]! & 0x0f;
      expect(counter).toBe(last.has(pid) ? (last.get(pid)! + 1) % 16 : counter);
      last.set(pid, counter);
    }
  expect(last.size).toBe(2);
});

it('sound that ends early leaves one hole per pass, and is in step again after it', async () => {
  const sound = ['-c:a', 'aac', '-ar', '48000'];
  const url = await files.make('s.mp4', ...picture('160x90', 25, 2), ...tone(1), ...h264, ...sound);
  const { audio, video } = await joinPasses(url, PASSES);
  const heard = [...audio.values()].flatMap((units) => units.map((unit) => unit.ptsTicks));
  const holes = heard.filter((ticks, i) => i > 0 && ticks - heard[i - 1]! > 1_922);
  const starts = video.filter((_unit, i) => i % 50 === 0).map((unit) => unit.ptsTicks);
  expect(holes).toHaveLength(PASSES - 1);
  for (const [i, ticks] of holes.entries())
    expect(Math.abs(ticks - starts[i + 1]!)).toBeLessThanOrEqual(1_920);
});

const asItCame = { soundCodec: 'as-is' } as const;
const sounds: [
  what: string,
  seconds: number,
  codec: string[],
  frameTicks: number,
  choice?: typeof asItCame,
][] = [
  ['as long as the picture, AAC', 2, ['-c:a', 'aac', '-ar', '48000'], 1_920],
  ['longer than the picture, AAC', 3.1, ['-c:a', 'aac', '-ar', '48000'], 1_920],
  ['AAC at 44.1 kHz', 2, ['-c:a', 'aac', '-ar', '44100'], (1_024 * 90_000) / 44_100],
  ['MP2 as it came', 2.05, ['-c:a', 'mp2', '-ar', '48000'], (1_152 * 90_000) / 48_000, asItCame],
  ['AC-3 as it came', 2, ['-c:a', 'ac3', '-ar', '48000'], (1_536 * 90_000) / 48_000, asItCame],
  ['AC-3, which is encoded', 2.1, ['-c:a', 'ac3', '-ar', '48000'], 1_920],
  ['Opus, which is encoded', 2, ['-c:a', 'libopus'], 1_920],
  ['PCM, which is encoded', 2.2, ['-c:a', 'pcm_s16le'], 1_920],
];

it.each(sounds)('sound %s: every frame follows the one before', async (...given) => {
  const [what, seconds, codec, frameTicks, choice] = given;
  const url = await files.make(
    `${what.split(' ')[0]!}-${seconds}-${codec[3] ?? ''}.mkv`,
    ...picture('160x90', 25, 2),
    ...tone(seconds),
    ...h264,
    ...codec,
  );
  const { audio, video } = await joinPasses(url, PASSES, choice);
  expect(audio.size).toBe(1);
  const [units] = audio.values();
  const heard = units!.map((unit) => unit.ptsTicks);
  const steps = Object.keys(stepsOf(heard)).map(Number);
  expect(steps.filter((step) => Math.abs(step - frameTicks) > 1.5)).toEqual([]);
  // As long as the picture, to a frame, and never half a frame away from where it belongs.
  const picturesEnd = Math.max(...video.map((unit) => unit.ptsTicks)) + 3_600;
  expect(Math.abs(heard.at(-1)! + frameTicks - picturesEnd)).toBeLessThan(1.6 * frameTicks);
});
