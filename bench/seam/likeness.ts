import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One number for each picture, in the order in which they are shown. */
export interface Likeness {
  ssim: number[];
  psnrDb: number[];
}

/** PSNR of pictures that are equal; ffmpeg says `inf`. */
const EQUAL_DB = 100;

const column = (text: string, name: string): number[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const value = new RegExp(`\\b${name}:(\\S+)`).exec(line)?.[1];
      return value === 'inf' ? EQUAL_DB : Number(value);
    });

/**
 * SSIM and PSNR (all planes) of an encoded stream to the stream that it was made of, picture by picture in their order.
 * @param pictures how many from the first on are compared
 */
export const likenessOf = async (options: {
  ffmpeg: string;
  original: string;
  encoded: string;
  widthPx: number;
  heightPx: number;
  pictures: number;
  /** Folder for what ffmpeg notes. */
  folder: string;
}): Promise<Likeness> => {
  const { ffmpeg, original, encoded, widthPx, heightPx, pictures, folder } = options;
  const count = `trim=end_frame=${pictures},setpts=N/TB`;
  const graph = [
    `[0:v]${count},scale=${widthPx}:${heightPx},format=yuv420p,split[a][b]`,
    `[1:v]${count},split[c][d]`,
    `[c][a]ssim=stats_file=ssim.log`,
    `[d][b]psnr=stats_file=psnr.log`,
  ].join(';');
  const inputs = [original, encoded].flatMap((path) => ['-f', 'mpegts', '-i', path]);
  const rest = ['-an', '-fps_mode', 'passthrough', '-f', 'null', '-'];
  await run(ffmpeg, ['-v', 'error', '-nostdin', ...inputs, '-filter_complex', graph, ...rest], {
    cwd: folder,
    maxBuffer: 1 << 24,
  });
  const [ssim, psnr] = await Promise.all(
    ['ssim.log', 'psnr.log'].map((name) => readFile(`${folder}/${name}`, 'utf8')),
  );
  return { ssim: column(ssim!, 'All'), psnrDb: column(psnr!, 'psnr_avg') };
};
