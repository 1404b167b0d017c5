import type { SourceChannel, SourceState } from '../../contracts/source';
import type { ChannelTimeline } from './channel-timeline';
import type { SourceChannelSpec } from './kept-channel';

/** What brings one channel to the relay, again and again until stopped. */
export interface Feeder {
  readonly spec: SourceChannelSpec;
  readonly info: SourceChannel;
  /** Waits until the relay is being sent media. @returns false where that takes longer: it keeps trying */
  untilSending(limitMs: number): Promise<boolean>;
  /** Ends the contribution and what it reads. */
  stop(): Promise<void>;
}

/** What is told of a feeder: one whose input is well fails where no relay takes what it brings. */
export const toldState = (
  { state, error }: { state: SourceState; error: string | undefined },
  timeline: Pick<ChannelTimeline, 'error'>,
): Pick<SourceChannel, 'state' | 'error'> => {
  const relayError = state === 'running' ? timeline.error : undefined;
  const told = error ?? relayError;
  return { state: relayError === undefined ? state : 'failed', ...(told !== undefined && { error: told }) };
};
