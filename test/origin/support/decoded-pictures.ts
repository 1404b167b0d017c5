import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * PTS (1/90000 s) and hash of each picture that ffmpeg decodes, all scaled to one size. It may not complain of anything.
 * @param input its arguments up to the input
 */
export const decodedPictures = async (
  input: string[],
  stdin?: Buffer,
  level: 'warning' | 'error' = 'error',
): Promise<{ pts: number; hash: string }[]> => {
  const decoding = run('ffmpeg', [
    ...['-hide_banner', '-loglevel', level, '-copyts', ...input],
    ...['-map', '0:v', '-fps_mode', 'passthrough', '-enc_time_base', '1:90000'],
    ...['-vf', 'scale=128:72', '-f', 'framehash', '-'],
  ]);
  if (stdin) decoding.child.stdin!.end(stdin);
  const { stdout, stderr } = await decoding;
  expect(stderr).toBe('');
  const lines = stdout.split('\n').filter((line) => line.startsWith('0,'));
  return lines.map((line) => {
    const fields = line.split(',').map((field) => field.trim());
    return { pts: Number(fields[2]), hash: fields[5]! };
  });
};

/**
 * What ffmpeg decodes of fragmented MP4, at the times that the fragments say. Where samples are shown before they would be
 * decoded, as a reordered picture is that has no later decoding time, ffmpeg adds the largest such step to all times of
 * the track (dts_shift of its demuxer): that is taken off again.
 */
export const decodedFragments = async (
  file: Buffer,
  stepTicks: number,
): Promise<{ pts: number; hash: string }[]> => {
  const shown = await decodedPictures(['-f', 'mp4', '-i', 'pipe:0'], file, 'warning');
  return shown.map(({ pts, hash }) => ({ pts: pts - stepTicks, hash }));
};
