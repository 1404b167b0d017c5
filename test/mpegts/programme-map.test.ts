import { execFileSync } from 'node:child_process';
import { TransportStreamReader, parseTables, writeTables } from '../../src/media/mpegts';
import { makeClip } from './ffmpeg-clips';

/** The tables of a clip with sound in two languages, and the clip without its own. */
const tablesOf = (clip: Buffer): Buffer => {
  let tables = Buffer.alloc(0);
  const reader = new TransportStreamReader({
    onUnit: () => undefined,
    onTables: (packets) => {
      tables = Buffer.from(packets);
    },
  });
  reader.push(clip);
  return tables;
};

const twoLanguages = makeClip('ffmpeg', {
  audio: [
    ...['-map', '0:v', '-map', '1:a', '-map', '1:a', '-c:a', 'aac'],
    ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu'],
  ],
});

/** What an independent reader makes of tables in front of a clip whose own are taken out. */
const streamsSeenByFfprobe = (tables: Buffer, clip: Buffer): [string, number, string | undefined][] => {
  const parts = [tables];
  const own = parseTables(tablesOf(clip));
  for (let at = 0; at < clip.length; at += 188) {
    const pid = clip.readUInt16BE(at + 1) & 0x1fff;
    if (pid !== 0 && pid !== own.mapPid) parts.push(clip.subarray(at, at + 188));
  }
  const args = ['-v', 'error', '-show_entries', 'stream=codec_name,id:stream_tags=language', '-of', 'json'];
  const out = execFileSync('ffprobe', [...args, '-f', 'mpegts', 'pipe:0'], { input: Buffer.concat(parts) });
  const { streams } = JSON.parse(out.toString()) as {
    streams: { codec_name: string; id: string; tags?: { language?: string } }[];
  };
  return streams.map(({ codec_name, id, tags }) => [codec_name, Number(id), tags?.language]);
};

test('tables are read and written without loss', () => {
  const tables = tablesOf(twoLanguages);
  const read = parseTables(tables);
  expect(read.streams.map(({ pid, kind }) => [pid, kind])).toEqual([
    [0x100, 'video'],
    [0x101, 'audio'],
    [0x102, 'audio'],
  ]);
  const written = writeTables(read);
  // ffmpeg numbers the packets of its tables, too; all else is the same to the byte.
  for (const packets of [tables, written])
    for (let at = 3; at < packets.length; at += 188) packets[at] = 0x10;
  expect(written.equals(tables)).toBe(true);
});

test('an independent reader sees the streams that are listed, with their languages', () => {
  const read = parseTables(tablesOf(twoLanguages));
  expect(streamsSeenByFfprobe(writeTables(read), twoLanguages)).toEqual([
    ['h264', 0x100, undefined],
    ['aac', 0x101, 'eng'],
    ['aac', 0x102, 'deu'],
  ]);
  const without = { ...read, streams: read.streams.filter(({ pid }) => pid !== 0x101) };
  // It finds the sound that is not listed, too, but not its language.
  const languages = streamsSeenByFfprobe(writeTables(without), twoLanguages).map((stream) => stream[2]);
  expect(languages.filter((language) => language !== undefined)).toEqual(['deu']);
});

test('a map of more than one packet is read by others, too', () => {
  const read = parseTables(tablesOf(twoLanguages));
  const registration = Buffer.from([0x05, 4, ...Buffer.from('CUEI')]);
  const long = { ...read, descriptors: Buffer.concat(Array.from({ length: 50 }, () => registration)) };
  const written = writeTables(long);
  expect(written).toHaveLength(3 * 188);
  expect(parseTables(written)).toEqual({ ...long, association: expect.any(Buffer) as Buffer });
  expect(streamsSeenByFfprobe(written, twoLanguages)).toHaveLength(3);
});

test('tables without a map are refused', () => {
  expect(() => parseTables(tablesOf(twoLanguages).subarray(0, 188))).toThrow(/no programme map/);
});
