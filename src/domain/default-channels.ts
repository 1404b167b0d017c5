import type { ChannelSpec, Rendition } from './channel';
import { wholeFramesNear, type FrameRate } from './frame-rate';
import { TICKS_PER_SECOND } from './media-time';

const DEFAULT_CHANNELS = 6;

/** One rung costs 1 encode unit, two 1.64, all three 3.415. */
const LADDER: readonly Rendition[] = [
  { name: '180p', widthPx: 320, heightPx: 180, crf: 26, maxBitrateKbps: 400 },
  { name: '144p', widthPx: 256, heightPx: 144, crf: 27, maxBitrateKbps: 250 },
  { name: '240p', widthPx: 426, heightPx: 240, crf: 26, maxBitrateKbps: 700 },
];

/** Audiences that earn the second and the third rung. The generated audience is scaled to cross them. */
const DEFAULT_VIEWERS_PER_RUNG: readonly number[] = [1000, 2800];

const DEFAULT_GOP_TICKS = 2 * TICKS_PER_SECOND;

/** About 2 s; whole pictures and whole ticks where the rate has any: 180180 ticks are 60 pictures at 30000/1001. */
export const defaultGopTicks = (rate: FrameRate): number =>
  wholeFramesNear(rate, DEFAULT_GOP_TICKS) ?? DEFAULT_GOP_TICKS;

/** A channel with the default ladder, 25 frames/s and GOPs of 2 s. */
export const channelWithDefaults = (
  id: string,
  input: ChannelSpec['input'] = { kind: 'generated' },
): ChannelSpec => ({
  id,
  input,
  region: 'eu',
  framesPerSecond: 25,
  gopDurationTicks: DEFAULT_GOP_TICKS,
  ladder: LADDER.map((rendition) => ({ ...rendition })),
  viewersPerRung: [...DEFAULT_VIEWERS_PER_RUNG],
});

/** The channels that a swarm starts with: ch-1 to ch-6, generated pictures. */
export const defaultChannels = (): ChannelSpec[] =>
  Array.from({ length: DEFAULT_CHANNELS }, (_, i) => channelWithDefaults(`ch-${i + 1}`));
