import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import {
  PROBE_CASES,
  combineCases,
  makeReferenceClip,
  readEncode,
  type ReferenceClip,
} from '../../src/media/probe';
import { encodeClip, type ClipEncode } from '../../src/media/probe/encode-clip';
import { differencesBetween } from '../../src/versions';
import { npmFfmpeg, pypiFfmpeg, wrapFfmpeg } from './support/real-builds';

type Name = 'debian' | 'npm' | 'pypi';
const NAMES: Name[] = ['debian', 'npm', 'pypi'];
const paths: Record<Name, string> = { debian: 'ffmpeg', npm: npmFfmpeg, pypi: '' };
let clips: ReferenceClip[];
const encodes = new Map<Name, ClipEncode[]>();

const encodeAll = async (path: string): Promise<ClipEncode[]> => {
  const ffmpeg = await detectFfmpeg(path);
  const done: ClipEncode[] = [];
  for (const clip of clips) done.push(await encodeClip(clip, ffmpeg, { limitMs: 30_000 }));
  return done;
};

const measure = (encoded: readonly ClipEncode[]) =>
  combineCases(encoded.map((encode, index) => readEncode(clips[index]!, encode)));

beforeAll(async () => {
  [paths.pypi, clips] = await Promise.all([
    pypiFfmpeg(),
    Promise.all(PROBE_CASES.map((probeCase) => makeReferenceClip('ffmpeg', probeCase))),
  ]);
  for (const name of NAMES) encodes.set(name, await encodeAll(paths[name]));
}, 120_000);

test('Debian 5.1, the 2018 build of npm and the 7.0 of PyPI are of one class', () => {
  const measured = NAMES.map((name) => measure(encodes.get(name)!));
  expect(differencesBetween(measured[0]!.facts, measured[1]!.facts)).toEqual([]);
  expect(differencesBetween(measured[0]!.facts, measured[2]!.facts)).toEqual([]);
  expect(new Set(measured.map((m) => m.compatibilityClass)).size).toBe(1);
  for (const { realTimeRatio } of measured) expect(realTimeRatio).toBeGreaterThan(0);
});

test('the same clip gives the same bytes', async () => {
  const again = await makeReferenceClip('ffmpeg', PROBE_CASES[0]!);
  expect(again.sha256).toBe(clips[0]!.sha256);
});

/** GOP by GOP from another build; every one of the renditions of the first case. */
const alternating = (one: Name, other: Name, rendition: string): Buffer =>
  Buffer.concat(
    [one, other, one].map(
      (name, index) =>
        encodes.get(name)![0]!.gops[index]!.segments.find((s) => s.name === rendition)!.segment,
    ),
  );

/** Decodes strictly: a damaged or missing packet, or a decoder that complains, fails it. */
const decode = (ffmpegPath: string, stream: Buffer, output: string[]): Buffer => {
  const folder = mkdtempSync(join(tmpdir(), 'encoder-swarm-seam-'));
  const file = join(folder, 'alternating.ts');
  writeFileSync(file, stream);
  try {
    const strict = ['-v', 'error', '-xerror', '-fflags', '+discardcorrupt', '-err_detect', 'explode'];
    return execFileSync(ffmpegPath, [...strict, '-i', file, ...output, '-'], { maxBuffer: 1 << 28 });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const GRAY = ['-map', '0:v', '-vsync', '0', '-pix_fmt', 'gray', '-f', 'rawvideo'];
const SOUND = ['-map', '0:a', '-ac', '1', '-f', 's16le'];

/** Peak signal to noise ratio of two 8-bit pictures, dB. */
const psnrDb = (a: Buffer, b: Buffer): number => {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return squares === 0 ? Infinity : 10 * Math.log10((255 ** 2 * a.length) / squares);
};

describe.each<[Name, Name]>([
  ['debian', 'npm'],
  ['npm', 'pypi'],
  ['pypi', 'debian'],
])('where GOPs of %s and %s follow each other', (one, other) => {
  const { widthPx, heightPx, name } = PROBE_CASES[0]!.renditions[0]!;

  test.each(['debian', 'npm'] as const)('the decoder of %s gives every picture in its place', (decoder) => {
    const pictureBytes = widthPx * heightPx;
    const mixed = decode(paths[decoder], alternating(one, other, name), GRAY);
    const plain = decode(paths[decoder], alternating(one, one, name), GRAY);
    const pictures = clips[0]!.ptsTicks.flat().length;
    expect(mixed.length).toBe(pictures * pictureBytes);
    expect(plain.length).toBe(mixed.length);
    for (let at = 0; at < mixed.length; at += pictureBytes) {
      const [a, b] = [mixed, plain].map((all) => all.subarray(at, at + pictureBytes));
      expect(psnrDb(a!, b!)).toBeGreaterThan(30);
    }
  });

  test('no sound is lost or repeated', () => {
    const stream = alternating(one, other, name);
    const samples = decode('ffmpeg', stream, SOUND).length / 2;
    expect(samples).toBe(decode('ffmpeg', alternating(one, one, name), SOUND).length / 2);
    const mixed = decode('ffmpeg', stream, ['-map', '0:a', '-c', 'copy', '-f', 'framehash']).toString();
    const plain = decode('ffmpeg', alternating(one, one, name), [
      ...['-map', '0:a', '-c', 'copy', '-f', 'framehash'],
    ]).toString();
    expect(mixed).toBe(plain);
  });
});

describe('a build that differs lands in a class of its own', () => {
  const LEVEL = 's/^3\\.0$/4.0/';
  const PROFILE = 's/^main$/high/';
  const COLOUR = 's/^force-cfr=0$/force-cfr=0:colorprim=bt709:transfer=bt709:colormatrix=bt709/';
  const BUFFERED = 's/^force-cfr=0$/force-cfr=0:b-pyramid=none:ref=1/';

  test.each([
    ['level', LEVEL, /codec avc1\.4d401e against avc1\.4d4028/],
    ['profile', PROFILE, /codec avc1\.4d401e against avc1\.64001e/],
    ['colour', COLOUR, /colour unspecified against 1\/1\/1 limited/],
    ['reference frames', BUFFERED, /parameterSets/],
  ])('in %s', async (_, change, difference) => {
    const wrapper = wrapFfmpeg('ffmpeg', [change]);
    try {
      const changed = measure(await encodeAll(wrapper.path));
      const usual = measure(encodes.get('debian')!);
      expect(differencesBetween(usual.facts, changed.facts).join('\n')).toMatch(difference);
      expect(changed.compatibilityClass).not.toBe(usual.compatibilityClass);
    } finally {
      wrapper.remove();
    }
  });

  test('a wrapper that changes nothing stays in the class', async () => {
    const wrapper = wrapFfmpeg('ffmpeg', []);
    try {
      expect(measure(await encodeAll(wrapper.path)).compatibilityClass).toBe(
        measure(encodes.get('debian')!).compatibilityClass,
      );
    } finally {
      wrapper.remove();
    }
  });
});

describe('a build that can not be used is refused with the reason', () => {
  test.each([
    [
      'drops frames',
      's/^trim=start=99.999995/trim=start=99.999995,select=mod(n\\\\,7)/',
      /does not hold the frames/,
    ],
    ['cuts elsewhere', 's/^100,102,104.*$/101/', /did not begin GOP/],
    ['does not start', 's/^-copyts$/-no-such-option/', /no-such-option/],
  ])('%s', async (_, change, why) => {
    const wrapper = wrapFfmpeg('ffmpeg', [change]);
    try {
      const ffmpeg = await detectFfmpeg(wrapper.path);
      const [clip] = clips;
      const probing = encodeClip(clip!, ffmpeg, { limitMs: 15_000 }).then((e) => readEncode(clip!, e));
      await expect(probing).rejects.toMatchObject({
        code: 'encoder-incompatible',
        message: expect.stringMatching(why) as string,
      });
    } finally {
      wrapper.remove();
    }
  });

  test('stands still', async () => {
    const wrapper = wrapFfmpeg('ffmpeg', []);
    writeFileSync(
      wrapper.path,
      '#!/bin/sh\ncase "$*" in *-version*) exec ffmpeg -version;; esac\nexec sleep 60\n',
    );
    try {
      const ffmpeg = await detectFfmpeg(wrapper.path);
      await expect(encodeClip(clips[0]!, ffmpeg, { limitMs: 1_500 })).rejects.toMatchObject({
        code: 'encoder-incompatible',
        message: expect.stringContaining('0 of 3 GOPs came within 1.5 s') as string,
      });
    } finally {
      wrapper.remove();
    }
  });
});
