import {
  codecFacts,
  codecOf,
  pixelFormatOf,
  presetOf,
  profileOf,
  rateControlOf,
  type Hardware,
  type PixelFormat,
  type Rendition,
} from '../../domain';

/**
 * Arguments of hardware encoders, as `ffmpeg -h encoder=NAME` of ffmpeg 5.1 lists them. They were not run on a device.
 */

/** The first device of Linux that renders without a screen. */
const VAAPI_DEVICE = '/dev/dri/renderD128';

/** In memory of the host, by ffmpeg's names for what these encoders take. */
const TAKEN_AS: Readonly<Record<PixelFormat, string>> = { yuv420p: 'nv12', yuv420p10le: 'p010le' };

const hardwareOf = (r: Rendition): Hardware | undefined => codecFacts(codecOf(r)).hardware;

/** Before the input: what opens the devices of a ladder. */
export const deviceArguments = (renditions: readonly Rendition[]): string[] =>
  renditions.some((r) => hardwareOf(r) === 'vaapi') ? ['-vaapi_device', VAAPI_DEVICE] : [];

/** At the end of a rendition's filters. */
export const uploadFilter = (r: Rendition): string =>
  hardwareOf(r) === 'vaapi' ? `,format=${TAKEN_AS[pixelFormatOf(r)]},hwupload` : '';

/** Rate control by the encoder's own options. */
const RATE_OF: Readonly<Record<Hardware, (r: Rendition) => string[]>> = {
  nvenc: (r) =>
    byControl(r, {
      crf: ['-rc', 'vbr', '-cq', String(r.crf), '-b:v', '0'],
      vbr: ['-rc', 'vbr', '-b:v', `${r.bitrateKbps}k`],
      cbr: ['-rc', 'cbr', '-b:v', `${r.maxBitrateKbps}k`],
    }),
  // It has no quality under a cap: the mean is what the cap leaves room for.
  qsv: (r) =>
    byControl(r, {
      crf: ['-b:v', `${Math.round(r.maxBitrateKbps * QUALITY_SHARE)}k`],
      vbr: ['-b:v', `${r.bitrateKbps}k`],
      cbr: ['-b:v', `${r.maxBitrateKbps}k`, '-minrate', `${r.maxBitrateKbps}k`],
    }),
  vaapi: (r) =>
    byControl(r, {
      crf: ['-rc_mode', 'QVBR', '-global_quality', String(r.crf), '-b:v', `${r.maxBitrateKbps}k`],
      vbr: ['-rc_mode', 'VBR', '-b:v', `${r.bitrateKbps}k`],
      cbr: ['-rc_mode', 'CBR', '-b:v', `${r.maxBitrateKbps}k`],
    }),
};

/** Of the cap, which pictures of usual complexity need at usual quality. */
const QUALITY_SHARE = 0.7;

const byControl = (r: Rendition, of: Record<'crf' | 'vbr' | 'cbr', string[]>): string[] =>
  of[rateControlOf(r)];

/** What makes each forced key frame an IDR picture; of VAAPI each is one. Nothing is looked ahead for. */
const OPTIONS_OF: Readonly<Record<Hardware, readonly string[]>> = {
  nvenc: ['-rc-lookahead', '0', '-no-scenecut', '1', '-forced-idr', '1', '-b_ref_mode', 'disabled'],
  qsv: ['-async_depth', '1', '-forced_idr', '1'],
  vaapi: ['-async_depth', '1', '-idr_interval', '0'],
};

/** Of HEVC, levels are counted in thirtieths by VAAPI; nvenc and QSV take their names, or ten times that. */
const levelArgument = (codec: string, level: number): string => {
  if (codec.endsWith('_nvenc')) return level.toFixed(1).replace(/\.0$/, '');
  return String(Math.round(level * (codec === 'hevc_vaapi' ? 30 : 10)));
};

/** The codec of an output on hardware, with its rate control. */
export const hardwareArguments = (
  r: Rendition,
  hardware: Hardware,
  level: number,
  cap: readonly string[],
  consecutiveBFrames: number,
): string[] => {
  const codec = codecOf(r);
  const preset = presetOf(r);
  return [
    ...['-c:v', codec, ...(preset ? ['-preset', preset] : []), '-bf', String(consecutiveBFrames)],
    ...[...RATE_OF[hardware](r), ...cap, '-profile:v', profileOf(r), '-level', levelArgument(codec, level)],
    ...OPTIONS_OF[hardware],
    ...(hardware === 'vaapi' ? [] : ['-pix_fmt', TAKEN_AS[pixelFormatOf(r)]]),
  ];
};
