import type { ChannelSpec } from './channel';
import { wholeFramesNear, type FrameRate } from './frame-rate';
import { alwaysOnLadder, copyOfPreset } from './ladder';
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

/** Its ladder does not follow the audience. */
export const SHOWCASE_ID = 'ch-6';

/**
 * The one default channel with sound and a ladder as broadcasters have them, small enough to fit beside another one on an
 * encoder of the default swarm: 3 of its 4.8 encode units.
 */
const showcase = (): ChannelSpec => ({
  ...channelWithDefaults(SHOWCASE_ID, { kind: 'generated', widthPx: 640, heightPx: 360, sound: 'stereo' }),
  ...alwaysOnLadder([
    { name: '180p', widthPx: 320, heightPx: 180, preset: 'ultrafast', crf: 26, maxBitrateKbps: 400 },
    { name: '360p', widthPx: 640, heightPx: 360, preset: 'ultrafast', crf: 24, maxBitrateKbps: 1_000 },
  ]),
});

/** A generated channel of that name, as a swarm starts with it. */
export const defaultChannel = (id: string): ChannelSpec =>
  id === SHOWCASE_ID ? showcase() : channelWithDefaults(id);

/** The channels that a swarm starts with: ch-1 to ch-6, generated pictures. */
export const defaultChannels = (): ChannelSpec[] =>
  Array.from({ length: DEFAULT_CHANNELS }, (_, i) => defaultChannel(`ch-${i + 1}`));
