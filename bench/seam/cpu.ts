import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
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

/**
 * Threads of a session's ffmpeg: of its decoder, then of each of its encoders.
 * @param hostPid of an encoder host with one session
 */
export const sessionThreads = async (hostPid: number): Promise<number[]> => {
  const lines = await Promise.all(childrenOf(hostPid).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8')));
  const args = lines.map((line) => line.split('\0')).find((words) => words.includes('-force_key_frames'));
  return (args ?? []).flatMap((word, i) => (word === '-threads' ? [Number(args![i + 1])] : []));
};

/**
 * CPU seconds that one plain ffmpeg takes for the same ladder, from the first `seconds` of the same input, at the pace of
 * a live channel and with as many threads: at full speed it would find its caches warm, which no live channel does.
 */
export const plainCpuSeconds = async (options: {
  ffmpeg: string;
  input: string;
  ladder: readonly Rendition[];
  gopSeconds: number;
  preset: string;
  seconds: number;
  threads: readonly number[];
}): Promise<number> => {
  const { ffmpeg, input, ladder, gopSeconds, preset, seconds, threads } = options;
  const threadsOf = (place: number): string[] =>
    threads[place] === undefined ? [] : ['-threads', `${threads[place]}`];
  const outputs = ladder.flatMap((r, i) => [
    ...['-map', '0:v:0', '-map', '0:a?', '-c:a', 'copy', '-vf', `scale=${r.widthPx}:${r.heightPx}`],
    ...['-c:v', r.codec ?? 'libx264', '-preset', r.preset ?? preset, ...threadsOf(i + 1), '-bf', '2'],
    ...(r.crf === undefined ? ['-b:v', `${r.bitrateKbps ?? r.maxBitrateKbps}k`] : ['-crf', `${r.crf}`]),
    ...['-pix_fmt', r.pixelFormat ?? 'yuv420p'],
    ...['-maxrate', `${r.maxBitrateKbps}k`, '-bufsize', `${2 * r.maxBitrateKbps}k`, '-sc_threshold', '0'],
    ...['-force_key_frames', `expr:gte(t,n_forced*${gopSeconds})`, '-f', 'mpegts', '-y', '/dev/null'],
  ]);
  const paced = ['-re', '-t', String(seconds), ...threadsOf(0), '-i', input];
  const args = ['-nostdin', '-hide_banner', '-benchmark', ...paced, ...outputs];
  const { stderr } = await run(ffmpeg, args, { maxBuffer: 1 << 24 });
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  if (user === undefined) throw new Error(`ffmpeg told no CPU time: ${stderr.slice(-500)}`);
  return Number(user) + Number(system);
};
