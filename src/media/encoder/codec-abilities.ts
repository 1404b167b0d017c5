import {
  CODECS,
  PIXEL_FORMATS,
  SwarmError,
  codecFacts,
  whyNever,
  type Codec,
  type CodecAbility,
  type Hardware,
  type PixelFormat,
} from '../../domain';
import { runConfined } from '../../platform/processes/confined';

const ASK_LIMIT_MS = 10_000;
const MOST_TEXT_BYTES = 1 << 22;

/** Names in the answer to `-encoders`: the word behind the column of flags, below the legend. */
export const parseEncoders = (text: string): string[] =>
  [...text.matchAll(/^ [VAS][A-Z.]{5} (\w\S*)\s/gm)].map((match) => match[1]!);

/** Pixel formats in the answer to `-h encoder=NAME`; none where it does not say. */
export const parsePixelFormats = (text: string): string[] =>
  /^ *Supported pixel formats: (.+)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];

/** Names under which encoders take a pixel format of ladders; `vaapi`: whatever was uploaded to the device. */
const TAKEN_AS: Readonly<Record<PixelFormat, readonly string[]>> = {
  yuv420p: ['yuv420p', 'nv12', 'vaapi'],
  yuv420p10le: ['yuv420p10le', 'p010le', 'vaapi'],
};

/**
 * What a build says of the encoders that ladders may name.
 * @param listed names in its answer to `-encoders`
 * @param hardware that the host has: an encoder of hardware in the list says nothing of a device
 */
export const usableCodecs = (listed: readonly string[], hardware: readonly Hardware[]): Codec[] =>
  CODECS.filter((codec) => {
    if (!listed.includes(codec) || whyNever(codec) !== null) return false;
    const needed = codecFacts(codec).hardware;
    return needed === undefined || hardware.includes(needed);
  });

/** @param help its answer to `-h encoder=NAME` */
export const abilityOf = (codec: Codec, help: string): CodecAbility => {
  const taken = parsePixelFormats(help);
  const encoded = codecFacts(codec).profiles.map(({ pixelFormat }) => pixelFormat);
  const pixelFormats = PIXEL_FORMATS.filter(
    (format) => encoded.includes(format) && TAKEN_AS[format].some((name) => taken.includes(name)),
  );
  return { codec, pixelFormats };
};

/**
 * The encoders of a build that ladders may name, with the pixel formats of ladders that they take.
 * @throws SwarmError unavailable when it does not answer
 */
export const listCodecs = async (
  ffmpegPath: string,
  hardware: readonly Hardware[] = [],
): Promise<CodecAbility[]> => {
  const limits = { timeout: ASK_LIMIT_MS, maxBuffer: MOST_TEXT_BYTES };
  const ask = async (...asked: string[]): Promise<string> =>
    (await runConfined(ffmpegPath, ['-hide_banner', ...asked], limits)).stdout;
  try {
    const usable = usableCodecs(parseEncoders(await ask('-encoders')), hardware);
    return await Promise.all(
      usable.map(async (codec) => abilityOf(codec, await ask('-h', `encoder=${codec}`))),
    );
  } catch (error) {
    throw new SwarmError(
      'unavailable',
      `${ffmpegPath} does not say which encoders it has: ${(error as Error).message.trim()}.`,
      'Run it with -encoders by hand, or set FFMPEG to another build.',
    );
  }
};
