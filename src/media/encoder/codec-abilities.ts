import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CODECS, PIXEL_FORMATS, SwarmError, whyNever, type CodecAbility } from '../../domain';
import { confined } from '../../platform/processes/confined';

const run = promisify(execFile);
const ASK_LIMIT_MS = 10_000;
const MOST_TEXT_BYTES = 1 << 22;

/** Names in the answer to `-encoders`: the word behind the column of flags, below the legend. */
export const parseEncoders = (text: string): string[] =>
  [...text.matchAll(/^ [VAS][A-Z.]{5} (\w\S*)\s/gm)].map((match) => match[1]!);

/** Pixel formats in the answer to `-h encoder=NAME`; none where it does not say. */
export const parsePixelFormats = (text: string): string[] =>
  /^ *Supported pixel formats: (.+)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];

/**
 * The encoders of a build that ladders may name, with the pixel formats of ladders that they take.
 * @throws SwarmError unavailable when it does not answer
 */
export const listCodecs = async (ffmpegPath: string): Promise<CodecAbility[]> => {
  const ask = async (...words: string[]): Promise<string> => {
    const { command, args, env } = confined(ffmpegPath, ['-hide_banner', ...words]);
    const { stdout } = await run(command, args, { env, timeout: ASK_LIMIT_MS, maxBuffer: MOST_TEXT_BYTES });
    return stdout;
  };
  try {
    const names = new Set(parseEncoders(await ask('-encoders')));
    const usable = CODECS.filter((codec) => names.has(codec) && whyNever(codec) === null);
    return await Promise.all(
      usable.map(async (codec) => {
        const formats = parsePixelFormats(await ask('-h', `encoder=${codec}`));
        return { codec, pixelFormats: PIXEL_FORMATS.filter((format) => formats.includes(format)) };
      }),
    );
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `${ffmpegPath} does not say which encoders it has: ${(error as Error).message.trim()}.`,
      'Run it with -encoders by hand, or set FFMPEG to another build.',
    );
  }
};
