import { TICKS_PER_SECOND, channelWithDefaults, type FrameRate, type Rendition } from '../../domain';

/** One way to encode, as a channel may ask for it. */
export interface ProbeCase {
  name: string;
  framesPerSecond: FrameRate;
  gopDurationTicks: number;
  renditions: readonly Rendition[];
  /** The contribution: picture size, and where its own keyframes stand. */
  source: { widthPx: number; heightPx: number; keyFrameEveryFrames: number };
}

const defaults = channelWithDefaults('probe');

/**
 * What every build is probed with: the default ladder with its odd sizes, and a larger picture of another rate, with
 * GOPs that are no whole number of seconds. What differs between builds differs in some of these: see docs/explanation/versions.md.
 */
export const PROBE_CASES: readonly ProbeCase[] = [
  {
    name: 'default-ladder-25',
    framesPerSecond: defaults.framesPerSecond,
    gopDurationTicks: defaults.gopDurationTicks,
    renditions: defaults.ladder,
    source: { widthPx: 320, heightPx: 180, keyFrameEveryFrames: 40 },
  },
  {
    name: '360p-30',
    framesPerSecond: 30,
    gopDurationTicks: 1.6 * TICKS_PER_SECOND,
    renditions: [{ name: '360p', widthPx: 640, heightPx: 360, crf: 26, maxBitrateKbps: 900 }],
    source: { widthPx: 640, heightPx: 360, keyFrameEveryFrames: 35 },
  },
];

/** The GOP at which an encode of the clip begins: not 0, so that the change from feed time to channel time shows. */
export const PROBE_FIRST_GOP = 7;
/** Whole GOPs that are compared. */
export const PROBE_GOPS = 3;
