import {
  DEFAULT_CODEC,
  codecFacts,
  codecOf,
  costFactorOf,
  PRESETS,
  presetOf,
  pixelsPerSecondOf,
  renditionUnits,
  type FrameRate,
  type Rendition,
  type Preset,
} from '../../../domain';

/** CPU of one kind of work at one picture size, in cores: CPU seconds per second of video. */
export interface MeasuredWork {
  pixelsPerSecond: number;
  cores: number;
}

/** What the ffmpeg of a host takes on the CPU of its machine. Lists go from small to large pictures. */
export interface Measurements {
  /** Scaling and encoding by preset; the default preset at several sizes, the others at one or more. */
  encodes: Partial<Record<Preset, MeasuredWork[]>>;
  /** Decoding a contribution, by its pixels per second. */
  decodes: MeasuredWork[];
  /** Making one picture of two fields, by pixels per second of the contribution. */
  deinterlaces: MeasuredWork[];
}

/** A contribution as it is decoded. */
export interface Decoded {
  widthPx: number;
  heightPx: number;
  framesPerSecond: FrameRate;
}

export interface SessionWork {
  renditions: readonly Rendition[];
  framesPerSecond: FrameRate;
  contribution: Decoded;
  deinterlace?: 'none' | 'frame' | undefined;
}

/** Presets that are measured: those of the default codec. */
export const MEASURED_PRESETS = PRESETS.filter(
  (preset) => codecFacts(DEFAULT_CODEC).lookaheadFrames[preset] !== undefined,
);

/** The preset that is measured at several sizes. */
export const USUAL_PRESET = codecFacts(DEFAULT_CODEC).defaultPreset!;

/** Share of its cores that a host promises: programmes are harder to encode than the picture that was measured. */
const PROMISED_SHARE = 0.8;
/**
 * What Node.js takes of a session beside its ffmpeg, in cores: reading the feed, cutting and sending GOPs. Measured with
 * one 320x180 rendition (docs/results/capacity.md).
 */
const NODE_CORES_PER_SESSION = 0.015;
/** Until it has measured, a host takes itself for half as fast as the machine in docs/results/capacity.md. */
const PROVISIONAL_UNITS_PER_CORE = 10;

/**
 * Cores at a size that was not measured: between two that were, along the straight line in logarithms; beyond them, as
 * much per pixel as at the nearest.
 * @param works not empty, ascending by pixels per second
 */
export const interpolated = (works: readonly MeasuredWork[], pixelsPerSecond: number): number => {
  const above = works.findIndex((w) => w.pixelsPerSecond >= pixelsPerSecond);
  const nearest = works.at(Math.max(above, above === -1 ? -1 : 0)) as MeasuredWork;
  const below = above > 0 ? works[above - 1] : undefined;
  if (!below || below.cores <= 0 || nearest.cores <= 0)
    return (nearest.cores * pixelsPerSecond) / nearest.pixelsPerSecond;
  const along =
    Math.log(pixelsPerSecond / below.pixelsPerSecond) /
    Math.log(nearest.pixelsPerSecond / below.pixelsPerSecond);
  return below.cores * (nearest.cores / below.cores) ** along;
};

/** Cores for scaling to a rendition and encoding it. A preset that was measured at few sizes follows the default one's curve. */
export const encodeCores = (rendition: Rendition, rate: FrameRate, measured: Measurements): number => {
  const pixels = pixelsPerSecondOf(rendition, rate);
  const usual = measured.encodes[USUAL_PRESET] ?? [];
  // Other codecs are not measured: they cost as much more as their units do.
  if (codecOf(rendition) !== DEFAULT_CODEC) return interpolated(usual, pixels) * costFactorOf(rendition);
  const own = measured.encodes[presetOf(rendition) ?? USUAL_PRESET];
  if (!own || own.length === 0) return interpolated(usual, pixels);
  const near = own.reduce((best, w) =>
    Math.abs(Math.log(w.pixelsPerSecond / pixels)) < Math.abs(Math.log(best.pixelsPerSecond / pixels))
      ? w
      : best,
  );
  return (interpolated(usual, pixels) * near.cores) / interpolated(usual, near.pixelsPerSecond);
};

/** Cores that a session takes on the measured machine: decoding, filters, its encodes, and the host's own part. */
export const sessionCores = (session: SessionWork, measured: Measurements): number => {
  const { contribution, renditions, framesPerSecond } = session;
  const contributed = pixelsPerSecondOf(contribution, contribution.framesPerSecond);
  return (
    NODE_CORES_PER_SESSION +
    interpolated(measured.decodes, contributed) +
    // Each rendition has its own filter chain.
    (session.deinterlace === 'frame'
      ? renditions.length * interpolated(measured.deinterlaces, contributed)
      : 0) +
    renditions.reduce((sum, r) => sum + encodeCores(r, framesPerSecond, measured), 0)
  );
};

/** What a host has. */
export interface HostSize {
  /** Cores that it has for itself. */
  cores: number;
  maxSessions: number;
}

/**
 * Encode units that a host can promise: filled with sessions of whatever was tried, each of one unit or more and with one
 * rendition of the size of its contribution, it takes no more than the promised share of its cores. Each unit counts with
 * the dearest of what was tried, and each session, of which there may be as many as units, with its own cost.
 * @param tried renditions at which the host was measured
 */
export const capacityUnitsOf = (
  measured: Measurements,
  { cores, maxSessions }: HostSize,
  tried: readonly { rendition: Rendition; framesPerSecond: FrameRate }[],
): number => {
  const coresPerUnit = Math.max(
    ...tried.map(
      ({ rendition, framesPerSecond }) =>
        (encodeCores(rendition, framesPerSecond, measured) +
          interpolated(measured.decodes, pixelsPerSecondOf(rendition, framesPerSecond))) /
        renditionUnits(rendition, framesPerSecond),
    ),
  );
  const promised = cores * PROMISED_SHARE;
  const withASessionPerUnit = promised / (coresPerUnit + NODE_CORES_PER_SESSION);
  return roundedDown(
    withASessionPerUnit <= maxSessions
      ? withASessionPerUnit
      : (promised - maxSessions * NODE_CORES_PER_SESSION) / coresPerUnit,
  );
};

/** What a host promises before it has measured itself, and where it can't. */
export const provisionalUnits = (cores: number): number =>
  roundedDown(PROVISIONAL_UNITS_PER_CORE * cores * PROMISED_SHARE);

/** To tenths, and never to nothing: a host carries the smallest session at least. */
const roundedDown = (units: number): number => Math.max(0.1, Math.floor(units * 10) / 10);
