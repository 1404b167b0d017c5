import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  STREAM_TYPE_SCTE_35,
  TransportStreamReader,
  packetsOfSection,
  parseTables,
  spliceInsertSection,
  writeTables,
} from '../../src/media/mpegts';

const run = promisify(execFile);
const SPLICE_PID = 0x1f0;
const FRAMES_PER_SECOND = 25;
const FRAME_TICKS = 3_600;
/** A sender announces a splice so far ahead (SCTE 35 §11.1). */
const NOTICE_FRAMES = 4 * FRAMES_PER_SECOND;
/** From one splice to the next, and some at random. */
const APART_FRAMES = 2 * FRAMES_PER_SECOND;

/**
 * Makes a film with SCTE-35 messages: breaks that begin and end, each announced 4 s ahead, at frames that the random
 * numbers decide.
 * @returns its length
 */
export const makeMarkedFilm = async (
  path: string,
  splices: number,
  random: () => number,
): Promise<{ seconds: number }> => {
  const frames = [...Array(splices).keys()].map(
    (i) => NOTICE_FRAMES + 5 + i * APART_FRAMES + Math.floor(random() * (APART_FRAMES - 2)),
  );
  const seconds = Math.ceil((frames.at(-1)! + APART_FRAMES) / FRAMES_PER_SECOND) + 1;
  const plain = `${path}.plain.ts`;
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=320x180:r=${FRAMES_PER_SECOND}:d=${seconds}`],
    ...['-f', 'lavfi', '-i', `sine=d=${seconds}`, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2'],
    ...[
      '-g',
      '48',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
      '-omit_video_pes_length',
      '0',
      '-f',
      'mpegts',
      plain,
    ],
  ]);
  const out: Buffer[] = [];
  let pictures = 0;
  let firstTicks: number | undefined;
  const reader = new TransportStreamReader({
    onTables: (packets) => {
      const tables = parseTables(packets);
      const entry = { pid: SPLICE_PID, streamType: STREAM_TYPE_SCTE_35, kind: 'other' as const };
      const streams = [...tables.streams, { ...entry, descriptors: Buffer.alloc(0) }];
      out.push(writeTables({ ...tables, streams }));
    },
    onUnit: ({ kind, packets, ptsTicks }) => {
      out.push(packets);
      if (kind !== 'video') return;
      firstTicks ??= ptsTicks;
      const due = frames.indexOf(pictures + NOTICE_FRAMES);
      pictures += 1;
      if (due < 0) return;
      const section = spliceInsertSection({
        eventId: 1 + Math.floor(due / 2),
        out: due % 2 === 0,
        ptsTicks: firstTicks + frames[due]! * FRAME_TICKS,
      });
      out.push(packetsOfSection(section, SPLICE_PID));
    },
  });
  reader.push(await readFile(plain));
  reader.flush();
  await writeFile(path, Buffer.concat(out));
  return { seconds };
};
