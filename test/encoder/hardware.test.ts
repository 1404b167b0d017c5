import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostEnvironmentSchema } from '../../src/config/encoder-host';
import { codecFacts, renditionSchema, type Codec, type Rendition } from '../../src/domain';
import {
  abilityOf,
  parseEncoders,
  parsePixelFormats,
  usableCodecs,
} from '../../src/media/encoder/codec-abilities';
import { ffmpegArguments } from '../../src/media/encoder/ffmpeg-arguments';
import { LADDER, startHost } from './support/test-host';

const recorded = (name: string): string => readFileSync(join(__dirname, 'fixtures', name), 'utf8');
const listed = parseEncoders(recorded('encoders.txt'));
/** By encoder. */
const help = new Map(
  recorded('hardware-encoders.txt')
    .split(/^(?=Encoder )/m)
    .map((text) => [/^Encoder (\S+)/.exec(text)![1]!, text]),
);

const ON_HARDWARE: Codec[] = ['h264_nvenc', 'hevc_nvenc', 'h264_qsv', 'hevc_qsv', 'h264_vaapi', 'hevc_vaapi'];

const renditionOf = (codec: Codec, change: object = {}): Rendition =>
  renditionSchema.parse({ ...LADDER[0]!, codec, ...change });
const argumentsOf = (rendition: Rendition): string[] =>
  ffmpegArguments(
    {
      ...{ renditions: [rendition], framesPerSecond: 25 },
      ...{ gopDurationTicks: 90_000, keyFrameTimes: '100' },
    },
    { path: 'ffmpeg', version: '5.1', hasLibx264: true, hasFpsMode: true, canMapTones: true },
  );

test('the encoders of a build are read from what it says, without its legend', () => {
  expect(listed).toEqual(expect.arrayContaining(['libx264', 'libx265', 'h264_nvenc', 'aac', 'dvbsub']));
  expect(listed).not.toContain('=');
  expect(parseEncoders(' V..... = Video\n ------\n V....D libx264   x\n')).toEqual(['libx264']);
  expect(parsePixelFormats('Encoder x\n    Supported pixel formats: nv12 p010le qsv\n')).toEqual([
    ...['nv12', 'p010le', 'qsv'],
  ]);
});

test('an encoder of hardware counts only where the host is told to have it; AV1 never', () => {
  expect(usableCodecs(listed, [])).toEqual(['libx264', 'libx265']);
  expect(usableCodecs(listed, ['qsv'])).toEqual(['libx264', 'libx265', 'h264_qsv', 'hevc_qsv']);
  expect(usableCodecs(['h264_nvenc'], ['nvenc', 'vaapi'])).toEqual(['h264_nvenc']);
  const { ENCODER_HARDWARE } = hostEnvironmentSchema.parse({ ENCODER_HARDWARE: 'nvenc, vaapi' });
  expect(ENCODER_HARDWARE).toEqual(['nvenc', 'vaapi']);
  expect(hostEnvironmentSchema.parse({}).ENCODER_HARDWARE).toEqual([]);
  expect(hostEnvironmentSchema.safeParse({ ENCODER_HARDWARE: 'gpu' }).success).toBe(false);
});

test.each<[Codec, string[]]>([
  ['h264_nvenc', ['yuv420p']],
  ['hevc_nvenc', ['yuv420p', 'yuv420p10le']],
  ['h264_qsv', ['yuv420p']],
  ['hevc_qsv', ['yuv420p', 'yuv420p10le']],
  ['h264_vaapi', ['yuv420p']],
  ['hevc_vaapi', ['yuv420p', 'yuv420p10le']],
])('%s takes %j', (codec, pixelFormats) => {
  expect(abilityOf(codec, help.get(codec)!)).toEqual({ codec, pixelFormats });
});

test('a host says what it has', async () => {
  const { client, stop } = await startHost({ hardware: ['nvenc'] });
  try {
    const { hardware, codecs } = await client.describe();
    expect(hardware).toEqual(['nvenc']);
    // The build of this machine may know it or not; what it does not know, the host does not offer.
    const own = parseEncoders(execFileSync('ffmpeg', ['-hide_banner', '-encoders'], { encoding: 'utf8' }));
    expect(codecs!.map(({ codec }) => codec)).toEqual(usableCodecs(own, ['nvenc']));
  } finally {
    await stop();
  }
});

test.each<[Codec, object, RegExp]>([
  ['h264_nvenc', { preset: 'fast' }, /h264_nvenc has p1, p2/],
  ['h264_qsv', { preset: 'p1' }, /h264_qsv has veryfast, faster/],
  ['h264_vaapi', { preset: 'fast' }, /h264_vaapi has none/],
  ['libx264', { preset: 'p1' }, /libx264 has ultrafast/],
  ['h264_nvenc', { pixelFormat: 'yuv420p10le' }, /h264_nvenc does not encode yuv420p10le/],
])('%s with %j is refused', (codec, change, message) => {
  expect(() => renditionOf(codec, change)).toThrow(message);
});

test.each(
  ON_HARDWARE.flatMap((codec) =>
    (['crf', 'cbr', 'vbr'] as const).map((control) => [codec, control] as const),
  ),
)('%s, %s: each of its own options is one that the encoder lists', (codec, rateControl) => {
  const rate = {
    crf: {},
    cbr: { crf: undefined },
    vbr: { crf: undefined, bitrateKbps: 200 },
  }[rateControl];
  const { family } = codecFacts(codec);
  const deep = family === 'hevc' && { pixelFormat: 'yuv420p10le' };
  const args = argumentsOf(renditionOf(codec, { rateControl, ...rate, ...deep }));
  const own = args.slice(args.indexOf('-c:v') + 2, args.indexOf('-g'));
  const general = [
    '-bf',
    '-b:v',
    '-minrate',
    '-maxrate',
    '-bufsize',
    '-pix_fmt',
    '-global_quality',
    '-level',
  ];
  const names = own.filter((arg, i) => i % 2 === 0 && !general.includes(arg));
  expect(names.length).toBeGreaterThan(2);
  for (const name of names)
    expect(help.get(codec)).toMatch(new RegExp(`^  ${name.replace(':v', '')} +<`, 'm'));
  expect(own.join(' ')).toContain('-maxrate 300k -bufsize 300k');
  expect(args.includes('-vaapi_device')).toBe(codec.endsWith('_vaapi'));
  const format = family === 'hevc' ? 'p010le' : 'nv12';
  const upload = `,format=${format},hwupload`;
  if (codec.endsWith('_vaapi')) expect(args.some((arg) => arg.endsWith(upload))).toBe(true);
  else expect(own.join(' ')).toContain(`-pix_fmt ${format}`);
});

test('without the device, an ffmpeg that knows the encoder takes all options and stops at the device', () => {
  const own = parseEncoders(execFileSync('ffmpeg', ['-hide_banner', '-encoders'], { encoding: 'utf8' }));
  const folder = mkdtempSync(join(tmpdir(), 'hardware-'));
  try {
    const clip = join(folder, 'clip.ts');
    const made = [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=160x90:r=25:d=1',
      '-output_ts_offset',
      '100',
    ];
    execFileSync('ffmpeg', [...made, '-c:v', 'libx264', '-preset', 'ultrafast', '-f', 'mpegts', clip]);
    for (const codec of ON_HARDWARE.filter((name) => own.includes(name))) {
      const { stderr, status } = spawnSync('ffmpeg', argumentsOf(renditionOf(codec)), {
        input: readFileSync(clip),
        encoding: 'utf8',
      });
      expect(stderr).not.toMatch(
        /unrecognized|option .*not found|unable to parse|undefined constant|error setting option/i,
      );
      if (status !== 0) expect(stderr).toMatch(/libcuda|MFX|VA display|device/i);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
