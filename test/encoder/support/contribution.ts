import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TransportStreamReader, type PesUnit } from '../../../src/media/mpegts';

export const FRAMES_PER_SECOND = 25;
export const FRAME_TICKS = 3_600;

/** A recorded contribution: units whose times are channel time. */
export interface Contribution {
  tables: Buffer;
  /** What the packets themselves carry for channel time 0. */
  baseTicks: number;
  units: PesUnit[];
}

/** 10 s before the first frame, so that no DTS is negative. */
const BASE_TICKS = 900_000;

/** Codec of 25 interlaced pictures/s from a rate of 50: each holds two fields, from two moments. */
export const interlacedMpeg2 = (quality: number): string[] => [
  ...['-vf', 'tinterlace=interleave_top', '-c:v', 'mpeg2video', '-q:v', String(quality)],
  ...['-flags', '+ildct+ilme'],
];

/**
 * Makes a moving picture of 160x90, by default H.264 at 25 frames/s, with ffmpeg. Its keyframes come every 40 frames, so they do
 * not stand where the GOPs of the channel begin.
 */
export const makeContribution = (
  seconds: number,
  options: { audio?: boolean; languages?: string[]; rate?: string; codec?: string[] } = {},
): Contribution => {
  const folder = mkdtempSync(join(tmpdir(), 'contribution-'));
  const file = join(folder, 'feed.ts');
  const inputs = [
    '-f',
    'lavfi',
    '-i',
    `testsrc2=s=160x90:r=${options.rate ?? FRAMES_PER_SECOND}:d=${seconds}`,
  ];
  const audio = ['-f', 'lavfi', '-i', `sine=r=48000:d=${seconds}`];
  const languages = (options.languages ?? []).flatMap((language, index) => [
    ...['-map', '1:a', `-metadata:s:a:${index}`, `language=${language}`],
  ]);
  try {
    execFileSync('ffmpeg', [
      ...['-v', 'error', ...inputs, ...(options.audio ? audio : [])],
      ...(languages.length > 0 ? ['-map', '0:v', ...languages] : []),
      ...(options.codec ?? ['-c:v', 'libx264', '-preset', 'ultrafast', '-sc_threshold', '0']),
      ...['-bf', '2', '-g', '40'],
      ...['-c:a', 'aac', '-muxdelay', '0', '-muxpreload', '0'],
      ...['-output_ts_offset', String(BASE_TICKS / 90_000), '-f', 'mpegts', file],
    ]);
    return readContribution(readFileSync(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Of a transport stream. */
export const readContribution = (bytes: Buffer): Contribution => {
  let tables = Buffer.alloc(0);
  const units: PesUnit[] = [];
  const reader = new TransportStreamReader({
    onTables: (packets) => {
      tables = Buffer.from(packets);
    },
    onUnit: (unit) => units.push(unit),
  });
  reader.push(bytes);
  reader.flush();
  const base = units.find((u) => u.kind === 'video')?.ptsTicks ?? 0;
  const fromBase = (ticks: number): number => ticks - base;
  return {
    tables,
    baseTicks: base,
    units: units.map((u) => ({ ...u, ptsTicks: fromBase(u.ptsTicks), dtsTicks: fromBase(u.dtsTicks) })),
  };
};
