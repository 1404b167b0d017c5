import type { ChannelSpec } from './channel';

/** What may be changed of a channel on air. Frame rate, GOP duration and region stay for as long as it is there. */
export type ChannelChange = Partial<
  Pick<
    ChannelSpec,
    | 'input'
    | 'deinterlace'
    | 'inputColour'
    | 'ladder'
    | 'viewersPerRung'
    | 'placement'
    | 'standby'
    | 'timeZone'
  >
>;

/** Request to change a channel, as the channel workflow takes it. */
export interface ChannelChangeRequest {
  /** Names the request; the same id twice is one request. */
  requestId: string;
  change: ChannelChange;
  requestedAtMs: number;
  /** Who asked; absent in requests of earlier releases. */
  requestedBy?: string;
}

/** The channel with the change. A ladder that comes without thresholds is always on air, all of it. */
export const changedSpec = (spec: ChannelSpec, change: ChannelChange): ChannelSpec => ({
  ...spec,
  ...(change.ladder && { viewersPerRung: change.ladder.slice(1).map(() => 0) }),
  ...change,
  // Of the other input, only what the change says is known.
  ...(change.input && { inputPixelsPerSecond: undefined, inputColour: change.inputColour }),
});

/** Whether two values say the same as JSON. The order of keys counts: of two that differ in it, one is a change. */
export const saysTheSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
