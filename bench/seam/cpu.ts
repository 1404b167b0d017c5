import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Rendition } from '../../src/domain';
import { readProcessStat } from '../../src/platform/processes/process-stat';
import { childrenOf } from '../lib/kills';

const run = promisify(execFile);
/** CPU seconds of a process, of its children that have ended, and of those that run. */
export const cpuSecondsWithChildren = async (pid: number): Promise<number> => {
  const own = await readProcessStat(pid);
  if (!own) throw new Error(`process ${pid} is gone`);
  const children = await Promise.all(childrenOf(pid).map(readProcessStat));
  const ofChildren = children.reduce((sum, child) => sum + (child?.cpuSeconds ?? 0), 0);
  return own.cpuSeconds + own.endedChildrenCpuSeconds + ofChildren;
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
