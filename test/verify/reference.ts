import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectSegment, retimePackets, unwrapTicks } from '../../src/media/mpegts';
import { GeneratedPicture } from '../../src/media/stamp';

export const FRAMES_PER_GOP = 25;
const FRAME_TICKS = 3_600;
export const key = Buffer.alloc(32, 0x5a);

export interface GopRecipe {
  gop: number;
  channelId?: string;
  key?: Buffer;
  widthPx?: number;
  heightPx?: number;
  crf?: number;
  /** Counters drawn into the pictures, in order of presentation; by default those of the GOP. */
  counters?: number[];
  /** Indices of frames that are left out after drawing, with their time. */
  dropped?: number[];
  /** Draws no stamp: plain grey. */
  unstamped?: boolean;
}

export const countersOf = (gop: number): number[] =>
  Array.from({ length: FRAMES_PER_GOP }, (_, i) => gop * FRAMES_PER_GOP + i);

const encode = (input: Buffer, args: string[]): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const child = execFile('ffmpeg', args, { encoding: 'buffer', maxBuffer: 1 << 26 }, (error, stdout) =>
      error ? reject(new Error(error.message)) : resolve(stdout),
    );
    child.stdin!.on('error', reject).end(input);
  });

/** Encodes one GOP as a published segment: begins with an IDR picture, PTS = channel time modulo 2^33. */
export const encodeGop = async (recipe: GopRecipe): Promise<Buffer> => {
  const { gop, channelId = 'ch-1', widthPx = 320, heightPx = 180, crf = 26, dropped = [] } = recipe;
  const counters = recipe.counters ?? countersOf(gop);
  const source = { widthPx: 320, heightPx: 180, key: recipe.key ?? key, channelId };
  const picture = new GeneratedPicture(source);
  const pictures = Buffer.concat(
    counters.map((n) =>
      recipe.unstamped ? Buffer.alloc((320 * 180 * 3) / 2, 100 + (n % 50)) : Buffer.from(picture.draw(n)),
    ),
  );
  const drop = dropped.length ? `select='not(${dropped.map((n) => `eq(n,${n})`).join('+')})',` : '';
  const encoded = await encode(pictures, [
    ...['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', '320x180', '-r', '25', '-i', 'pipe:0'],
    ...[
      '-vf',
      `${drop}scale=${widthPx}:${heightPx}`,
      '-fps_mode',
      'passthrough',
      '-enc_time_base',
      '1:90000',
    ],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-crf',
      String(crf),
      '-bf',
      '2',
      '-g',
      '1000',
      '-threads',
      '1',
    ],
    ...[
      '-x264-params',
      'force-cfr=0:scenecut=0',
      '-muxdelay',
      '0',
      '-muxpreload',
      '0',
      '-f',
      'mpegts',
      'pipe:1',
    ],
  ]);
  const firstIndex = counters.findIndex((_, i) => !dropped.includes(i));
  const start = (gop * FRAMES_PER_GOP + firstIndex) * FRAME_TICKS;
  const first = inspectSegment(encoded).videoPtsTicks[0]!;
  retimePackets(encoded, unwrapTicks(start, first) - first);
  return encoded;
};

export interface Entry {
  segment?: Buffer;
  discontinuity?: boolean;
  gap?: boolean;
}

/** Text of a media playlist whose segments are `<n>.ts`, n = place in the list. */
export const playlistText = (entries: Entry[], mediaSequence: number, ended = true, firstName = 0): string =>
  [
    ...['#EXTM3U', '#EXT-X-VERSION:8', '#EXT-X-TARGETDURATION:1', `#EXT-X-MEDIA-SEQUENCE:${mediaSequence}`],
    ...entries.flatMap(({ discontinuity, gap }, i) => [
      ...(discontinuity ? ['#EXT-X-DISCONTINUITY'] : []),
      ...(gap ? ['#EXT-X-GAP'] : []),
      '#EXTINF:1.000,',
      `${firstName + i}.ts`,
    ]),
    ...(ended ? ['#EXT-X-ENDLIST'] : []),
    '',
  ].join('\n');

/** Writes `<root>/<channel>/<rendition>/index.m3u8` with its segments; returns its path. */
export const writePlaylist = async (
  root: string,
  entries: Entry[],
  { mediaSequence = 0, channelId = 'ch-1', rendition = '180p' } = {},
): Promise<string> => {
  const folder = join(root, channelId, rendition);
  await mkdir(folder, { recursive: true });
  for (const [i, { segment }] of entries.entries()) {
    if (segment) await writeFile(join(folder, `${i}.ts`), segment);
  }
  const path = join(folder, 'index.m3u8');
  await writeFile(path, playlistText(entries, mediaSequence));
  return path;
};
