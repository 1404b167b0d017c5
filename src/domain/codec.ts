/** What each encoder of ffmpeg takes, as far as a ladder may ask for it: the one table behind fields, refusals and arguments. */

export const CODECS = ['libx264', 'libx265', 'libsvtav1'] as const;
export type Codec = (typeof CODECS)[number];

export const DEFAULT_CODEC = 'libx264';

/** The fastest first. Slower ones look ahead further than a GOP may wait. */
export const PRESETS = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium'] as const;
export type Preset = (typeof PRESETS)[number];

export const PROFILES = ['baseline', 'main', 'high', 'high10', 'main10'] as const;
export type Profile = (typeof PROFILES)[number];

/** 4:2:0 with 8 and with 10 bits a sample, by ffmpeg's names. */
export const PIXEL_FORMATS = ['yuv420p', 'yuv420p10le'] as const;
export type PixelFormat = (typeof PIXEL_FORMATS)[number];

/** How the bit rate is held: by quality under a cap, at one rate, or around a mean under a cap. */
export const RATE_CONTROLS = ['crf', 'cbr', 'vbr'] as const;
export type RateControl = (typeof RATE_CONTROLS)[number];

/** The coding standard that an encoder writes. */
export type CodecFamily = 'h264' | 'hevc';

export interface CodecFacts {
  family: CodecFamily;
  /** For people: "H.264". */
  standard: string;
  /** Its profiles, with the pixel format of each. The first one of a format is its default. */
  profiles: readonly { name: Profile; pixelFormat: PixelFormat }[];
  defaultPreset: Preset;
  /** Pictures by which it looks ahead, and holds back, by preset. */
  lookaheadFrames: Readonly<Record<Preset, number>>;
}

const CODEC_FACTS: Readonly<Partial<Record<Codec, CodecFacts>>> = {
  libx264: {
    family: 'h264',
    standard: 'H.264',
    profiles: [
      { name: 'main', pixelFormat: 'yuv420p' },
      { name: 'baseline', pixelFormat: 'yuv420p' },
      { name: 'high', pixelFormat: 'yuv420p' },
      { name: 'high10', pixelFormat: 'yuv420p10le' },
    ],
    /**
     * Measured live at 320x180, 25 frames/s: 2.5 % of a core a rendition, where veryfast takes 3.3 % for 60 % of the
     * bits. It also does without lookahead, so that a GOP is out 120 ms earlier.
     */
    defaultPreset: 'superfast',
    lookaheadFrames: { ultrafast: 0, superfast: 0, veryfast: 10, faster: 20, fast: 30, medium: 40 },
  },
  libx265: {
    family: 'hevc',
    standard: 'HEVC',
    profiles: [
      { name: 'main', pixelFormat: 'yuv420p' },
      { name: 'main10', pixelFormat: 'yuv420p10le' },
    ],
    defaultPreset: 'superfast',
    lookaheadFrames: { ultrafast: 5, superfast: 10, veryfast: 15, faster: 15, fast: 15, medium: 20 },
  },
};

/** Why a codec can't be used at all; the others can, where a host's build has them. */
export const whyNever = (codec: Codec): string | null =>
  CODEC_FACTS[codec]
    ? null
    : 'segments are MPEG-TS, which has no mapping for AV1 that players read: ffmpeg writes it as private data, and ' +
      'does not read it back itself; use libx264 or libx265';

/** @throws Error for a codec that can't be used, which a ladder is refused for before */
export const codecFacts = (codec: Codec): CodecFacts => {
  const facts = CODEC_FACTS[codec];
  if (!facts) throw new Error(`${codec}: ${whyNever(codec)}`);
  return facts;
};
