import { FEED_OFFSET_TICKS, SwarmError } from '../../domain';
import { openFeed } from '../encoder/feed';
import { TransportStreamReader } from '../mpegts';

/**
 * The bytes of a channel's feed that hold one whole GOP, which stands at FEED_OFFSET_TICKS in them; frames of its
 * neighbours may be there too.
 * @throws SwarmError gop-left-ring, unknown-channel, unavailable: the relay's; timeout: the signal was aborted
 */
export const readInputGop = async (options: {
  feedUrl: string;
  gop: number;
  gopDurationTicks: number;
  signal: AbortSignal;
}): Promise<Buffer> => {
  const ended = new AbortController();
  const chunks: Buffer[] = [];
  let isWhole = false;
  const reader = new TransportStreamReader({
    onUnit: ({ kind, dtsTicks }) => {
      if (kind === 'video' && dtsTicks >= FEED_OFFSET_TICKS + options.gopDurationTicks) isWhole = true;
    },
  });
  try {
    const feed = await openFeed(
      options.feedUrl,
      options.gop,
      AbortSignal.any([options.signal, ended.signal]),
    );
    for await (const chunk of feed as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      reader.push(chunk);
      if (isWhole) return Buffer.concat(chunks);
    }
  } catch (error) {
    if (error instanceof SwarmError) throw error;
  } finally {
    ended.abort();
  }
  if (options.signal.aborted)
    throw new SwarmError('timeout', `GOP ${options.gop} did not come from the relay in time.`);
  throw new SwarmError('unavailable', `The feed ended within GOP ${options.gop}.`);
};
