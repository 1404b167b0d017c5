import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { rateForFfmpeg, type PictureFormat } from '../../src/domain';

const run = promisify(execFile);

export interface ClipOptions {
  ffmpeg: string;
  path: string;
  picture: PictureFormat;
  seconds: number;
}

/** A moving picture with fine detail and stereo sound that changes all the time, as a contribution would send it. */
export const makeClip = async ({ ffmpeg, path, picture, seconds }: ClipOptions): Promise<void> => {
  const { widthPx, heightPx, rate } = picture;
  const video = `testsrc2=s=${widthPx}x${heightPx}:r=${rateForFfmpeg(rate)}:d=${seconds},noise=alls=6:allf=t:all_seed=1`;
  const tones = ['sin(2*PI*t*(300+40*t))', 'sin(2*PI*t*(500+30*t))*(0.6+0.4*sin(9*t))'].join('|');
  await run(ffmpeg, [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', video],
    ...['-f', 'lavfi', '-i', `aevalsrc=exprs=${tones}:s=48000:d=${seconds}`, '-pix_fmt', 'yuv420p'],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-crf',
      '20',
      '-bf',
      '2',
      '-g',
      '45',
      '-sc_threshold',
      '0',
    ],
    ...['-c:a', 'aac', '-b:a', '128k', '-f', 'mpegts', path],
  ]);
};
