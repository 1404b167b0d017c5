import type { ChannelSpec } from './channel';
import { wholeFramesNear, type FrameRate } from './frame-rate';
import { copyOfPreset } from './ladder';
import { TICKS_PER_SECOND } from './media-time';

const DEFAULT_CHANNELS = 6;

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
  ...copyOfPreset('small'),
});

/** The channels that a swarm starts with: ch-1 to ch-6, generated pictures. */
export const defaultChannels = (): ChannelSpec[] =>
  Array.from({ length: DEFAULT_CHANNELS }, (_, i) => channelWithDefaults(`ch-${i + 1}`));
