import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TransportStreamReader, retimePackets, unwrapTicks } from '../../../src/media/mpegts';

const run = promisify(execFile);

export const GOP_DURATION_TICKS = 180_000;
export const FRAMES_PER_SECOND = 25;

/** A GOP as an encoder publishes it: its segment, and the PTS of its pictures in channel time. */
export interface EncodedGop {
  segment: Buffer;
  ptsTicks: number[];
}

/** Cuts a transport stream in front of each IDR picture; each part begins with PAT and PMT. */
const cutAtIdr = (stream: Buffer): { segment: Buffer; ptsTicks: number[] }[] => {
  const parts: { packets: Buffer[]; ptsTicks: number[] }[] = [];
  let tables = Buffer.alloc(0);
  const reader = new TransportStreamReader({
    onTables: (packets) => (tables = Buffer.from(packets)),
    onUnit: (unit) => {
      if (unit.idr) parts.push({ packets: [tables], ptsTicks: [] });
      const part = parts.at(-1);
      part?.packets.push(unit.packets);
      if (unit.kind === 'video') part?.ptsTicks.push(unit.ptsTicks);
    },
  });
  reader.push(stream);
  reader.flush();
  return parts.map(({ packets, ptsTicks }) => ({
    segment: Buffer.concat(packets),
    ptsTicks: ptsTicks.sort((a, b) => a - b),
  }));
};

/** Encodes GOPs 0..count-1 of a moving test picture with real x264; PTS = channel time, B frames included. */
export const encodeGops = async (
  count: number,
  size: string,
  options: { crf?: number; profile?: string; audio?: boolean; extra?: string[] } = {},
): Promise<EncodedGop[]> => {
  const seconds = (count * GOP_DURATION_TICKS) / 90_000;
  const framesPerGop = (GOP_DURATION_TICKS / 90_000) * FRAMES_PER_SECOND;
  const tone = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`];
  const { stdout } = await run(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-f', 'lavfi'],
      ...['-i', `testsrc2=size=${size}:rate=${FRAMES_PER_SECOND}:duration=${seconds}`],
      ...(options.audio ? tone : []),
      ...[
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
        '-threads',
        '1',
        '-bf',
        '2',
        '-crf',
        String(options.crf ?? 30),
      ],
      ...['-profile:v', options.profile ?? 'main', '-level', '3.0', '-pix_fmt', 'yuv420p'],
      ...['-g', String(framesPerGop), '-keyint_min', String(framesPerGop), '-sc_threshold', '0'],
      ...['-x264-params', 'open-gop=0', ...(options.extra ?? [])],
      ...(options.audio ? ['-c:a', 'aac', '-b:a', '64k'] : []),
      ...['-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts', 'pipe:1'],
    ],
    { encoding: 'buffer', maxBuffer: 1 << 28 },
  );
  const parts = cutAtIdr(stdout);
  const first = parts[0]?.ptsTicks[0] ?? 0;
  return parts.map(({ segment, ptsTicks }) => {
    retimePackets(segment, -first);
    return { segment, ptsTicks: ptsTicks.map((pts) => pts - first) };
  });
};

/** The same pictures as another GOP of the channel. */
export const asGop = (gop: EncodedGop, from: number, to: number): EncodedGop => {
  const delta = (to - from) * GOP_DURATION_TICKS;
  const segment = Buffer.from(gop.segment);
  retimePackets(segment, delta);
  return { segment, ptsTicks: gop.ptsTicks.map((pts) => unwrapTicks(pts, pts) + delta) };
};
