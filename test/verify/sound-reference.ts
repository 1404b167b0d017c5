import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TransportStreamReader, retimePackets, unwrapTicks, type PesUnit } from '../../src/media/mpegts';
import {
  BLOCK_SAMPLES,
  GeneratedPicture,
  GeneratedSound,
  KEEPS_STAMP_ARGUMENTS,
} from '../../src/media/stamp';
import { FRAMES_PER_GOP, key, type Entry } from './reference';

const GOP_TICKS = 90_000;
const SIZE = { widthPx: 160, heightPx: 90 };
const FRAMES_PER_SECOND = 25;

/** A stamped channel in AAC and H.264 from GOP 0 on, in the order in which it was written, on channel time. */
export interface SoundClip {
  tables: Buffer;
  pictures: PesUnit[];
  sound: PesUnit[];
}

/** @param filter what its sound passes before it is encoded, in ffmpeg's words */
export const makeSoundClip = async (
  folder: string,
  gops: number,
  {
    channelId = 'ch-1',
    filter = 'anull',
    speakers = 2,
  }: { channelId?: string; filter?: string; speakers?: number } = {},
): Promise<SoundClip> => {
  const picture = new GeneratedPicture({ ...SIZE, key, channelId: 'ch-1' });
  const sound = new GeneratedSound({ key, channelId, speakers });
  const pictures = Array.from({ length: gops * FRAMES_PER_GOP }, (_, n) => Buffer.from(picture.draw(n)));
  const blocks = Math.ceil((gops * 48_000) / BLOCK_SAMPLES) + 4;
  const pcm = join(folder, `${channelId}-${speakers}.pcm`);
  await writeFile(pcm, Buffer.concat(Array.from({ length: blocks }, (_, block) => sound.draw(block))));
  const encoded = await encode(Buffer.concat(pictures), [
    ...['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${SIZE.widthPx}x${SIZE.heightPx}`],
    ...[
      '-r',
      `${FRAMES_PER_SECOND}`,
      '-i',
      'pipe:0',
      '-f',
      's16le',
      '-ar',
      '48000',
      '-ac',
      `${speakers}`,
      '-i',
      pcm,
    ],
    ...['-map', '0:v', '-map', '1:a', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18', '-bf', '0'],
    ...['-g', `${FRAMES_PER_GOP}`, '-keyint_min', `${FRAMES_PER_GOP}`, '-sc_threshold', '0', '-threads', '1'],
    ...['-af', filter, '-c:a', 'aac', '-b:a', `${96 * speakers}k`, ...KEEPS_STAMP_ARGUMENTS],
    ...['-pes_payload_size', '0', '-muxdelay', '0', '-muxpreload', '0', '-output_ts_offset', '10'],
    ...['-f', 'mpegts', 'pipe:1'],
  ]);
  const clip: SoundClip = { tables: Buffer.alloc(0), pictures: [], sound: [] };
  const reader = new TransportStreamReader({
    onUnit: (unit) => (unit.kind === 'video' ? clip.pictures : clip.sound).push(unit),
    onTables: (packets) => (clip.tables = Buffer.from(packets)),
  });
  reader.push(encoded);
  reader.flush();
  const zero = clip.pictures[0]!.ptsTicks;
  for (const unit of [...clip.pictures, ...clip.sound]) moveUnit(unit, -zero);
  return { ...clip, sound: clip.sound.filter(({ ptsTicks }) => ptsTicks >= 0) };
};

const moveUnit = (unit: PesUnit, byTicks: number): void => {
  retimePackets(unit.packets, byTicks);
  unit.ptsTicks = unwrapTicks(unit.ptsTicks + byTicks, 0);
  unit.dtsTicks = unwrapTicks(unit.dtsTicks + byTicks, 0);
};

/** The same sound, later. */
export const moved = (units: readonly PesUnit[], byTicks: number): PesUnit[] =>
  units.map((unit) => {
    const copy = { ...unit, packets: Buffer.from(unit.packets) };
    moveUnit(copy, byTicks);
    return copy;
  });

/** Segments of the clip's pictures, with this sound beside them. */
export const segmentsOf = ({ tables, pictures }: SoundClip, sound: readonly PesUnit[]): Entry[] => {
  const gopOf = ({ ptsTicks }: PesUnit): number => Math.floor(Math.max(0, ptsTicks) / GOP_TICKS);
  const gops = gopOf(pictures.at(-1)!) + 1;
  return Array.from({ length: gops }, (_, gop) => {
    const units = [...pictures, ...sound].filter((unit) => gopOf(unit) === gop);
    units.sort((a, b) => a.ptsTicks - b.ptsTicks || (a.kind === 'video' ? -1 : 1));
    return { segment: Buffer.concat([tables, ...units.map(({ packets }) => packets)]) };
  });
};

const encode = (input: Buffer, args: string[]): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const all = ['-v', 'error', '-y', ...args];
    const child = execFile('ffmpeg', all, { encoding: 'buffer', maxBuffer: 1 << 26 }, (error, stdout) =>
      error ? reject(new Error(error.message)) : resolve(stdout),
    );
    child.stdin!.on('error', reject).end(input);
  });
