import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Rendition } from '../../src/domain';

const run = promisify(execFile);
const CLOCK_TICKS_PER_SECOND = 100;

const fieldsOf = async (pid: number): Promise<string[]> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

/** CPU seconds of a process, of its children that have ended, and of those that run; see proc(5). */
export const cpuSecondsWithChildren = async (pid: number): Promise<number> => {
  const own = await fieldsOf(pid);
  let ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(own[field]), 0);
  const children = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const child of children) {
    const fields = await fieldsOf(Number(child)).catch(() => undefined);
    if (Number(fields?.[1]) === pid) ticks += Number(fields![11]) + Number(fields![12]);
  }
  return ticks / CLOCK_TICKS_PER_SECOND;
};

/** CPU seconds that one plain ffmpeg takes for the same ladder from the same input: its first `seconds`. */
export const plainCpuSeconds = async (options: {
  ffmpeg: string;
  input: string;
  ladder: readonly Rendition[];
  gopSeconds: number;
  preset: string;
  seconds: number;
}): Promise<number> => {
  const { ffmpeg, input, ladder, gopSeconds, preset, seconds } = options;
  const outputs = ladder.flatMap((r) => [
    ...['-map', '0:v:0', '-map', '0:a?', '-c:a', 'copy', '-vf', `scale=${r.widthPx}:${r.heightPx}`],
    ...['-c:v', 'libx264', '-preset', preset, '-bf', '2', '-crf', String(r.crf), '-pix_fmt', 'yuv420p'],
    ...['-maxrate', `${r.maxBitrateKbps}k`, '-bufsize', `${2 * r.maxBitrateKbps}k`, '-sc_threshold', '0'],
    ...['-force_key_frames', `expr:gte(t,n_forced*${gopSeconds})`, '-f', 'mpegts', '-y', '/dev/null'],
  ]);
  const args = ['-nostdin', '-hide_banner', '-benchmark', '-t', String(seconds), '-i', input, ...outputs];
  const { stderr } = await run(ffmpeg, args, { maxBuffer: 1 << 24 });
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  if (user === undefined) throw new Error(`ffmpeg told no CPU time: ${stderr.slice(-500)}`);
  return Number(user) + Number(system);
};
