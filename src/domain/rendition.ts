import { z } from 'zod';
import {
  CODECS,
  DEFAULT_CODEC,
  PIXEL_FORMATS,
  PRESETS,
  PROFILES,
  RATE_CONTROLS,
  codecFacts,
  whyNever,
  type Codec,
  type CodecFacts,
  type PixelFormat,
  type Preset,
  type Profile,
  type RateControl,
} from './codec';
import { dividedRate, type FrameRate } from './frame-rate';
import { LEVEL_NUMBERS, levelNumbersOf } from './video-levels';

/** The fields of one encoded version of a channel, each by itself. */
export const renditionFieldsSchema = z.object({
  name: z
    .string()
    .regex(/^[a-z0-9]{1,16}$/, 'use 1 to 16 of a-z and 0-9')
    .describe('part of its URLs; each rung has another'),
  widthPx: z.int().min(16).max(7680).multipleOf(2),
  heightPx: z.int().min(16).max(4320).multipleOf(2),
  codec: z
    .enum(CODECS)
    .optional()
    .describe(
      'encoder of ffmpeg: libx264 (H.264), the default; libx265 (HEVC), on hosts whose build has it; h264_nvenc and the like, on hosts that are told to have such hardware',
    ),
  rateControl: z
    .enum(RATE_CONTROLS)
    .optional()
    .describe(
      'crf, the default: by quality, with a cap; cbr: at maxBitrateKbps; vbr: around bitrateKbps, with a cap',
    ),
  crf: z
    .int()
    .min(0)
    .max(51)
    .optional()
    .describe(
      'constant rate factor, the quality of rateControl crf: lower is better; 18 to 28 is usual for libx264',
    ),
  bitrateKbps: z.int().min(32).max(100_000).optional().describe('mean of rateControl vbr, kbit/s'),
  maxBitrateKbps: z
    .int()
    .min(32)
    .max(100_000)
    .describe('caps what is asked for, kbit/s; of cbr, the bit rate'),
  bufferKbit: z
    .int()
    .min(32)
    .max(200_000)
    .optional()
    .describe('size of the rate buffer (VBV) that the cap holds over; twice maxBitrateKbps by default'),
  preset: z
    .enum(PRESETS)
    .optional()
    .describe('of the encoder; superfast by default. Slower ones cost more encode units'),
  profile: z
    .enum(PROFILES)
    .optional()
    .describe(
      'of H.264: baseline, main, high, and high10 for 10 bits; of HEVC: main, and main10 for 10 bits',
    ),
  level: z
    .literal(LEVEL_NUMBERS)
    .optional()
    .describe('such as 4.1: at least what size, rate and bit rate need, which is the default'),
  pixelFormat: z
    .enum(PIXEL_FORMATS)
    .optional()
    .describe('8 bits, the default, or 10 bits a sample; both 4:2:0'),
  frameRateDivisor: z
    .literal([1, 2, 3])
    .optional()
    .describe(
      "2 or 3: every second or third picture of each GOP, so a half or a third of the channel's rate",
    ),
});

interface RenditionFault {
  field: keyof Rendition;
  message: string;
}

const listed = (names: readonly (string | number)[]): string => names.join(', ');

const rateFaults = (r: Rendition): RenditionFault[] => {
  const control = rateControlOf(r);
  const faults: RenditionFault[] = [];
  if (control === 'crf' && r.crf === undefined)
    faults.push({ field: 'crf', message: 'expected number, as rateControl is crf' });
  if (control !== 'crf' && r.crf !== undefined)
    faults.push({ field: 'crf', message: `rateControl ${control} goes by bit rate: leave it out` });
  if (control === 'vbr' && r.bitrateKbps === undefined)
    faults.push({ field: 'bitrateKbps', message: 'expected number, as rateControl is vbr' });
  if (control !== 'vbr' && r.bitrateKbps !== undefined) {
    const instead = control === 'cbr' ? 'its rate is maxBitrateKbps' : 'it goes by crf under maxBitrateKbps';
    faults.push({ field: 'bitrateKbps', message: `rateControl ${control} has no mean: ${instead}` });
  }
  if (r.bitrateKbps !== undefined && r.bitrateKbps > r.maxBitrateKbps)
    faults.push({ field: 'bitrateKbps', message: `must be at most maxBitrateKbps, ${r.maxBitrateKbps}` });
  return faults;
};

const formFaults = (
  r: Rendition,
  codec: Codec,
  { profiles, family, lookaheadFrames }: CodecFacts,
): RenditionFault[] => {
  const faults: RenditionFault[] = [];
  const format = pixelFormatOf(r);
  if (r.crf === 0 && codec === 'libx264' && format === 'yuv420p')
    faults.push({
      field: 'crf',
      message: 'libx264 is lossless at 0, which no profile here allows: use 1 or more',
    });
  if (r.preset && lookaheadFrames[r.preset] === undefined)
    faults.push({
      field: 'preset',
      message: `${codec} has ${listed(Object.keys(lookaheadFrames)) || 'none'}`,
    });
  if (!profiles.some(({ pixelFormat }) => pixelFormat === format))
    faults.push({ field: 'pixelFormat', message: `${codec} does not encode ${format}` });
  const profile = r.profile && profiles.find(({ name }) => name === r.profile);
  if (r.profile && !profile)
    faults.push({ field: 'profile', message: `${codec} has ${listed(profiles.map(({ name }) => name))}` });
  if (profile && profile.pixelFormat !== format)
    faults.push({
      field: 'profile',
      message: `${profile.name} is for pixelFormat ${profile.pixelFormat}, not ${format}`,
    });
  if (r.level !== undefined && !levelNumbersOf(family).includes(r.level))
    faults.push({ field: 'level', message: `${codec} has ${listed(levelNumbersOf(family))}` });
  return faults;
};

/** What no field says by itself: what does not go together, or what the codec can't do. */
export const renditionFaults = (r: Rendition): RenditionFault[] => {
  const codec = codecOf(r);
  const never = whyNever(codec);
  if (never !== null) return [{ field: 'codec', message: never }];
  return [...rateFaults(r), ...formFaults(r, codec, codecFacts(codec))];
};

/** For superRefine of a schema of renditions. */
export const refuseFaults = (r: Rendition, context: z.RefinementCtx): void => {
  for (const { field, message } of renditionFaults(r))
    context.addIssue({ code: 'custom', path: [field], message });
};

/** One encoded version of a channel. */
export const renditionSchema = renditionFieldsSchema.superRefine(refuseFaults);
export type Rendition = z.infer<typeof renditionFieldsSchema>;

export const codecOf = (r: Pick<Rendition, 'codec'>): Codec => r.codec ?? DEFAULT_CODEC;

export const rateControlOf = (r: Pick<Rendition, 'rateControl'>): RateControl => r.rateControl ?? 'crf';

export const pixelFormatOf = (r: Pick<Rendition, 'pixelFormat'>): PixelFormat => r.pixelFormat ?? 'yuv420p';

export const presetOf = (r: Pick<Rendition, 'codec' | 'preset'>): Preset | undefined =>
  r.preset ?? codecFacts(codecOf(r)).defaultPreset;

export const profileOf = (r: Pick<Rendition, 'codec' | 'profile' | 'pixelFormat'>): Profile =>
  r.profile ??
  codecFacts(codecOf(r)).profiles.find(({ pixelFormat }) => pixelFormat === pixelFormatOf(r))!.name;

/** Two seconds of the highest bit rate, unless it says otherwise. */
export const bufferKbitOf = (r: Pick<Rendition, 'bufferKbit' | 'maxBitrateKbps'>): number =>
  r.bufferKbit ?? 2 * r.maxBitrateKbps;

interface Divided {
  frameRateDivisor?: number | undefined;
}

export const divisorOf = (r: Divided): number => r.frameRateDivisor ?? 1;

/** Pictures per second of a rendition, of which its channel has so many. */
export const renditionRate = (r: Divided, channelRate: FrameRate): FrameRate =>
  dividedRate(channelRate, divisorOf(r));

/**
 * The pictures of a GOP that a rendition holds: the first one, and of those after it every second or third. A function
 * of the contribution's GOP and the rendition alone, so that every session, the origin and the verifier mean the same.
 * @param inOrder the GOP's pictures in order of presentation
 */
export const picturesKept = <T>(inOrder: readonly T[], divisor: number): T[] =>
  inOrder.filter((_, index) => index % divisor === 0);
