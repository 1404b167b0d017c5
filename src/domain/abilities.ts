import { DEFAULT_CODEC, type Profile } from './codec';
import type { EncoderInfo } from './encoder';
import { codecOf, pixelFormatOf, rateControlOf, type Rendition } from './rendition';

const PROFILES_OF_VERSION_1: readonly (Profile | undefined)[] = [undefined, 'baseline', 'main', 'high'];

/** What a host of version 1 of the contract would leave out without a word. */
const beyondVersion1 = (r: Rendition): string | null => {
  const codec = codecOf(r);
  if (codec !== DEFAULT_CODEC) return codec;
  if (pixelFormatOf(r) !== 'yuv420p') return `pixelFormat ${r.pixelFormat}`;
  if (!PROFILES_OF_VERSION_1.includes(r.profile)) return `profile ${r.profile}`;
  if (rateControlOf(r) !== 'crf') return `rateControl ${r.rateControl}`;
  if (r.level !== undefined) return `level ${r.level}`;
  if (r.frameRateDivisor !== undefined && r.frameRateDivisor !== 1)
    return `frameRateDivisor ${r.frameRateDivisor}`;
  return null;
};

/**
 * Why an encoder host can't make a rendition, to follow its name; null: it can.
 * @param encoder without `codecs`: a host of version 1, which knows libx264 by quality under a cap alone
 */
export const whyNotEncodable = ({ codecs }: Pick<EncoderInfo, 'codecs'>, r: Rendition): string | null => {
  if (codecs === undefined) {
    const beyond = beyondVersion1(r);
    return beyond === null
      ? null
      : `can't be asked for ${beyond} of ${r.name}: it speaks version 1 of the contract`;
  }
  const codec = codecOf(r);
  const ability = codecs.find((a) => a.codec === codec);
  if (!ability) return `has no ${codec}, which ${r.name} is encoded with`;
  const format = pixelFormatOf(r);
  if (ability.pixelFormats.includes(format)) return null;
  return `has a ${codec} that does not take ${format}, which ${r.name} is encoded in`;
};

/** The same of a whole ladder: an encoder takes a channel only if it can make all of its renditions. */
export const whyNotLadder = (
  encoder: Pick<EncoderInfo, 'codecs'>,
  ladder: readonly Rendition[],
): string | null => {
  for (const rendition of ladder) {
    const why = whyNotEncodable(encoder, rendition);
    if (why !== null) return why;
  }
  return null;
};

/** Whether a ladder asks for no more than every host is taken to make: what version 1 of the contract can say. */
export const isForEveryHost = (ladder: readonly Rendition[]): boolean => whyNotLadder({}, ladder) === null;

/** Whether a host makes all of that. */
export const hasBasics = ({ codecs }: Pick<EncoderInfo, 'codecs'>): boolean =>
  codecs === undefined ||
  codecs.some(({ codec, pixelFormats }) => codec === DEFAULT_CODEC && pixelFormats.includes('yuv420p'));
