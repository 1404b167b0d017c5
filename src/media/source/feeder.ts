import type { SourceChannel } from '../../contracts/source';
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
