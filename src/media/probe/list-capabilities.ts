import { runConfined } from '../../platform/processes/confined';
import type { FfmpegCapabilities } from '../encoder/ffmpeg-capabilities';

const ASK_LIMIT_MS = 10_000;

/** What sessions, ladders and contributions may need, by the list in which ffmpeg names it. */
const LOOKED_FOR = {
  encoder: ['libx264', 'libx265', 'libsvtav1', 'aac'],
  decoder: ['h264', 'hevc', 'mpeg2video', 'aac'],
  filter: ['trim', 'scale', 'ssim', 'psnr'],
  muxer: ['mpegts'],
} as const;

/** Names in the answer to `-encoders`, `-filters`, …: the word behind the column of flags. */
const namesIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/^\s*[A-Z.|]+\s+([\w,]+)\s/gm)].flatMap((match) => match[1]!.split(',')));

/** Lists which of the things looked for a build has, such as `encoder libx264`; sorted by kind. */
export const listCapabilities = async (
  ffmpeg: FfmpegCapabilities,
  signal: AbortSignal,
): Promise<string[]> => {
  const lists = await Promise.all(
    Object.entries(LOOKED_FOR).map(async ([kind, wanted]) => {
      const { stdout } = await runConfined(ffmpeg.path, ['-hide_banner', `-${kind}s`], {
        timeout: ASK_LIMIT_MS,
        maxBuffer: 1 << 22,
        signal,
      });
      const names = namesIn(stdout);
      return wanted.filter((name) => names.has(name)).map((name) => `${kind} ${name}`);
    }),
  );
  return [...lists.flat(), ...(ffmpeg.hasFpsMode ? ['option fps_mode'] : [])];
};
