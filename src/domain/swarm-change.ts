import type { EncoderObservation } from './encoder';
import type { ChannelObservation, DemandCurve, PendingEncoder, ProvisioningOutcome } from './snapshot';

/** What is new since one last looked at a swarm. Encoders and channels that are not named are as they were. */
export interface SwarmChange {
  atMs: number;
  /** New or changed. */
  channels?: readonly ChannelObservation[];
  removedChannels?: readonly string[];
  /** New or changed. */
  encoders?: readonly EncoderObservation[];
  removedEncoders?: readonly string[];
  /** Encode units of channels whose forecast was made again, on the steps of the forecast that was in use. */
  channelUnits?: Readonly<Record<string, DemandCurve>>;
  /** All that were asked for and don't answer yet; all outcomes that are to be learned from, oldest first. */
  pendingEncoders?: readonly PendingEncoder[];
  provisioning?: readonly ProvisioningOutcome[];
}
