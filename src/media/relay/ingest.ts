import type { Request, Response } from 'express';
import { SwarmError } from '../../domain';
import { MalformedTransportStream } from '../mpegts';
import type { ContributionPlace } from './contribution';
import type { RelayChannel } from './relay-channel';

/** How long a refused sender is listened to, so that it can read the refusal before its connection is cut. */
const REFUSAL_LINGER_MS = 1_000;

const notVideo = (channelId: string, why: string): SwarmError =>
  new SwarmError(
    'input-not-video',
    `The contribution of channel ${channelId} is not MPEG-TS video: ${why}`,
    'Send an MPEG transport stream (188-byte packets) with one video stream.',
  );

/**
 * Takes one contribution from a request body until it ends, breaks, or sends nothing for `idleMs`.
 * @throws SwarmError conflict, input-not-video, unknown-channel
 */
export const ingest = async (
  channel: RelayChannel,
  begin: { expectedGop?: number | undefined; place?: ContributionPlace | undefined },
  request: Request,
  response: Response,
  idleMs: number,
): Promise<void> => {
  // Refused or not, the rest of the body is of no use to another request.
  response.set('connection', 'close');
  const lingerAfterRefusal = (): void => {
    request.resume();
    setTimeout(() => request.destroy(), REFUSAL_LINGER_MS).unref();
  };
  let contribution;
  try {
    contribution = channel.beginContribution(begin);
  } catch (refusal) {
    lingerAfterRefusal();
    throw refusal;
  }
  request.setTimeout(idleMs, () => request.destroy());
  try {
    // Not the request itself: leaving its loop would cut the connection before a refusal is sent.
    for await (const chunk of request.iterator({ destroyOnReturn: false }))
      channel.pushContribution(contribution, chunk as Buffer);
  } catch (error) {
    await channel.endContribution(contribution);
    if (response.destroyed || request.socket.destroyed) return;
    lingerAfterRefusal();
    throw error instanceof MalformedTransportStream ? notVideo(channel.id, error.message) : error;
  }
  await channel.endContribution(contribution);
  if (!contribution.holdsVideo) throw notVideo(channel.id, 'it ended without a picture.');
  response.json({ gops: contribution.sealedGops });
};
