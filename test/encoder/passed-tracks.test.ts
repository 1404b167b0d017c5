import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ffmpegInstaller from '@ffmpeg-installer/ffmpeg';
import {
  TransportStreamReader,
  inspectSegment,
  parseTables,
  writeTables,
  type PesUnit,
} from '../../src/media/mpegts';
import { SPLICE_PID, splicePacket } from '../mpegts/splice-messages';
import { until } from '../support/until';
import { makeContribution, type Contribution } from './support/contribution';
import { FeedServer } from './support/feed-server';
import { RecordingOrigin } from './support/recording-origin';
import { GOP_TICKS, LADDER, sessionRequest, startHost } from './support/test-host';

const NEVER_PID = 0x1f1;
/** Sound of the first track begins here, between two GOPs' beginnings; that of the second in GOP 6. */
const LATE_TICKS = 54_000;
const LATER_TICKS = 6.5 * GOP_TICKS;
/** The second track is silent in between: no unit at all. */
const PAUSE_TICKS: [number, number] = [9 * GOP_TICKS, 11.3 * GOP_TICKS];
const LAST_GOP = 14;

beforeAll(() => chmodSync(ffmpegInstaller.path, 0o755));

/** A programme with two languages, of which both begin late, marks, and a track of which nothing ever comes. */
const makeProgramme = (): Contribution => {
  const made = makeContribution(20, { audio: true, languages: ['eng', 'deu'] });
  const own = parseTables(made.tables);
  const [picture, first, second] = own.streams;
  const none = Buffer.alloc(0);
  const tables = writeTables({
    ...own,
    descriptors: Buffer.from([0x05, 4, ...Buffer.from('CUEI')]),
    streams: [
      picture!,
      first!,
      { pid: NEVER_PID, streamType: 0x0f, kind: 'audio', descriptors: none },
      second!,
      { pid: SPLICE_PID, streamType: 0x86, kind: 'other', descriptors: none },
    ],
  });
  const units = made.units.filter(({ pid, ptsTicks }) => {
    if (pid === first!.pid) return ptsTicks >= LATE_TICKS;
    if (pid !== second!.pid) return true;
    return ptsTicks >= LATER_TICKS && !(ptsTicks >= PAUSE_TICKS[0] && ptsTicks < PAUSE_TICKS[1]);
  });
  return { ...made, tables, units: withMarks(units) };
};

/** A mark after each thirtieth picture. */
const withMarks = (units: readonly PesUnit[]): PesUnit[] => {
  let pictures = 0;
  let marks = 0;
  return units.flatMap((unit) => {
    if (unit.kind !== 'video' || ++pictures % 30 !== 0) return [unit];
    const { ptsTicks, dtsTicks } = unit;
    const mark: PesUnit = {
      ...{ pid: SPLICE_PID, kind: 'other', streamType: 0x86, keyframe: false, idr: false },
      ...{ ptsTicks: Math.min(ptsTicks, dtsTicks), dtsTicks, packets: splicePacket(marks++) },
    };
    return [unit, mark];
  });
};

/** What a segment holds beside its pictures, in order: PID, and channel time for sound, its count for a mark. */
const passedIn = (segment: Buffer): string[] => {
  const found: string[] = [];
  const reader = new TransportStreamReader({
    onUnit: ({ kind, pid, ptsTicks, packets }) => {
      if (kind === 'audio') found.push(`${pid}@${ptsTicks}`);
      else if (kind === 'other') found.push(`${pid}#${packets[3]! & 15}`);
    },
  });
  reader.push(segment);
  reader.flush();
  return found;
};

let programme: Contribution;
beforeAll(() => {
  programme = makeProgramme();
});

/** The GOPs that one session publishes, from the second after `fromGop` on. */
const publish = async (fromGop: number, ffmpegPath: string, speed: number): Promise<RecordingOrigin> => {
  const feed = new FeedServer(programme, GOP_TICKS, (fromGop + 2.6) * GOP_TICKS, speed);
  const origin = new RecordingOrigin();
  await Promise.all([feed.listen(), origin.listen()]);
  const { client, stop } = await startHost({ ffmpegPath });
  try {
    const request = sessionRequest(feed.url, origin.url, { fromGop, renditions: LADDER.slice(0, 2) });
    await client.prepare(request);
    await client.commit(request.sessionId, 1, fromGop + 1);
    await until(`GOP ${LAST_GOP}`, () => origin.gops.includes(LAST_GOP), 30_000);
    return origin;
  } finally {
    await stop();
    await Promise.all([feed.close(), origin.close()]);
  }
};

const segmentOf = (origin: RecordingOrigin, gop: number, rendition = '90p'): Buffer =>
  origin.published.find((p) => p.gop === gop)!.segments.get(rendition)!;

test('sound that is late, pauses or never comes holds up no GOP, and none of it is lost or repeated at a seam', async () => {
  const one = await publish(0, 'ffmpeg', 4);
  const other = await publish(3, ffmpegInstaller.path, 8);
  // The second session begins where the second track has not been heard yet.
  for (let gop = 4; gop <= LAST_GOP; gop++) {
    for (const { name } of LADDER.slice(0, 2)) {
      const [a, b] = [segmentOf(one, gop, name), segmentOf(other, gop, name)];
      expect(passedIn(b)).toEqual(passedIn(a));
      expect(inspectSegment(b).videoPtsTicks).toEqual(inspectSegment(a).videoPtsTicks);
    }
  }
  // Seams wherever both have the GOP: the one's, the other's, and so on.
  const published = Array.from({ length: LAST_GOP }, (_, i) => i + 1).map((gop) =>
    segmentOf(gop > 3 && gop % 2 === 0 ? other : one, gop),
  );

  const found = published.flatMap(passedIn);
  const [, first, , second] = parseTables(programme.tables).streams;
  const times = (pid: number): number[] =>
    found.filter((text) => text.startsWith(`${pid}@`)).map((text) => Number(text.split('@')[1]));
  for (const [pid, sent] of [
    [0x101, first!.pid],
    [0x103, second!.pid],
  ] as const) {
    const got = times(pid);
    const all = programme.units.filter((unit) => unit.pid === sent).map(({ ptsTicks }) => ptsTicks);
    expect(got.length).toBeGreaterThan(100);
    expect(got).toEqual(all.filter((ptsTicks) => ptsTicks >= got[0]! && ptsTicks <= got.at(-1)!));
  }
  expect(times(0x102)).toEqual([]);
  const marks = found
    .filter((text) => text.startsWith(`${0x104}#`))
    .map((text) => Number(text.split('#')[1]));
  expect(marks.length).toBeGreaterThan(10);
  expect(marks).toEqual(marks.map((_, i) => (marks[0]! + i) & 15));

  const folder = mkdtempSync(join(tmpdir(), 'encoder-swarm-passed-'));
  try {
    const file = join(folder, 'alternating.ts');
    writeFileSync(file, Buffer.concat(published));
    const entries = 'stream=codec_name:stream_tags=language';
    const probe = ['-v', 'error', '-show_entries', entries, '-of', 'json', file];
    const { streams } = JSON.parse(execFileSync('ffprobe', probe).toString()) as {
      streams: { codec_name?: string; tags?: { language?: string } }[];
    };
    expect(streams.map(({ codec_name, tags }) => [codec_name, tags?.language])).toEqual(
      expect.arrayContaining([
        ['h264', undefined],
        ['aac', 'eng'],
        ['aac', 'deu'],
      ]),
    );
    const strict = ['-v', 'error', '-xerror', '-fflags', '+discardcorrupt', '-i', file, '-map', '0:a:0'];
    const sound = execFileSync('ffmpeg', [...strict, '-f', 's16le', '-'], { maxBuffer: 1 << 26 });
    // Frames of 1,024 samples, 2 bytes each, one channel.
    expect(sound.length / 2).toBe(times(0x101).length * framesPerUnit(first!.pid) * 1_024);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 90_000);

/** ADTS frames in each unit of a track, from the step of its times. */
const framesPerUnit = (pid: number): number => {
  const times = programme.units.filter((unit) => unit.pid === pid).map(({ ptsTicks }) => ptsTicks);
  return Math.round((times[3]! - times[2]!) / 1_920);
};
