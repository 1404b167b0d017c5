import { execFileSync } from 'node:child_process';
import { path as olderFfmpeg } from '@ffmpeg-installer/ffmpeg';

/** Two real builds: the one on the PATH and one of 2018. */
export const ffmpegBuilds = ['ffmpeg', olderFfmpeg];

export interface ClipOptions {
  seconds?: number;
  framesPerSecond?: number;
  /** Arguments of the video encoder. */
  video?: string[];
  /** Arguments of the audio encoder; absent: no audio. */
  audio?: string[];
  /** First time stamp in seconds. */
  startSeconds?: number;
  muxer?: string[];
}

/** An MPEG transport stream of a moving test picture, made by a real ffmpeg. */
export const makeClip = (ffmpeg: string, options: ClipOptions = {}): Buffer => {
  const seconds = options.seconds ?? 2;
  const picture = `testsrc=size=160x96:rate=${options.framesPerSecond ?? 25}:duration=${seconds}`;
  const args = ['-v', 'error', '-f', 'lavfi', '-i', picture];
  if (options.audio) args.push('-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`);
  args.push(...(options.video ?? ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '25']));
  args.push('-pix_fmt', 'yuv420p', ...(options.audio ?? []));
  args.push('-muxdelay', '0', '-muxpreload', '0', '-output_ts_offset', String(options.startSeconds ?? 10));
  args.push(...(options.muxer ?? []), '-f', 'mpegts', 'pipe:1');
  return execFileSync(ffmpeg, args, { maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit'] });
};

export interface ProbedPacket {
  pts: number;
  dts: number;
  keyframe: boolean;
}

/** What ffprobe says of the packets of one kind, in the order of the file. */
export const probePackets = (clip: Buffer, kind: 'v' | 'a'): ProbedPacket[] => {
  const args = ['-v', 'error', '-correct_ts_overflow', '0', '-select_streams', `${kind}:0`];
  args.push('-show_entries', 'packet=pts,dts,flags', '-of', 'json', '-f', 'mpegts', 'pipe:0');
  const out = execFileSync('ffprobe', args, { input: clip, maxBuffer: 64 * 1024 * 1024 });
  const { packets } = JSON.parse(out.toString()) as {
    packets: { pts: number; dts: number; flags: string }[];
  };
  return packets.map(({ pts, dts, flags }) => ({ pts, dts, keyframe: flags.startsWith('K') }));
};
