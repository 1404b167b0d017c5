import { execFile } from 'node:child_process';
import { readStamp } from '../../src/media/stamp';

const WIDTH_PX = 320;
const HEIGHT_PX = 180;

/** Frame counters that the pictures of a stream show, in order of presentation; -1 where none is genuine. */
export const frameCountersOf = async (
  stream: Buffer,
  key: Buffer,
  channelId: string,
  format: 'mpegts' | 'mp4' = 'mpegts',
): Promise<number[]> => {
  const args = ['-v', 'error', '-f', format, '-i', 'pipe:0', '-vsync', 'passthrough', '-f', 'rawvideo'];
  const luma = await new Promise<Buffer>((resolve, reject) => {
    const child = execFile(
      'ffmpeg',
      [...args, '-pix_fmt', 'gray', 'pipe:1'],
      { encoding: 'buffer', maxBuffer: 512 * 2 ** 20 },
      (error, stdout) => (error ? reject(new Error(error.message)) : resolve(stdout)),
    );
    child.stdin!.on('error', reject).end(stream);
  });
  const size = WIDTH_PX * HEIGHT_PX;
  return Array.from({ length: luma.length / size }, (_, i) => {
    const picture = luma.subarray(i * size, (i + 1) * size);
    const read = readStamp(picture, WIDTH_PX, HEIGHT_PX, key, channelId);
    return read.ok ? read.frame : -1;
  });
};
