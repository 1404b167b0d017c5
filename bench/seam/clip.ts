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

/** A moving picture with fine detail, as a contribution would send it; its sound is made as it is sent. */
export const makeClip = async ({ ffmpeg, path, picture, seconds }: ClipOptions): Promise<void> => {
  const { widthPx, heightPx, rate } = picture;
  const video = `testsrc2=s=${widthPx}x${heightPx}:r=${rateForFfmpeg(rate)}:d=${seconds},noise=alls=6:allf=t:all_seed=1`;
  await run(ffmpeg, [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', video],
    ...['-pix_fmt', 'yuv420p'],
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
    ...['-f', 'mpegts', path],
  ]);
};
