import type { IncomingMessage } from 'node:http';
import { FEED_PROOF_HEADER } from '../../contracts/relay';
import { SwarmError } from '../../domain';
import { readText, refusalInAnswer, request } from './http-exchange';

/** A feed without any byte for this long counts as broken: its relay may be gone without a word. */
const IDLE_LIMIT_MS = 15_000;
/** Where another relay has the same: a relay that works shows signs of life more often. */
export const IDLE_LIMIT_OF_SEVERAL_MS = 2_000;

/**
 * Opens a channel's feed at the relay from a GOP on.
 * @param signal ends the feed.
 * @param proof by which the relay knows the feed of the channel's owner
 * @param idleMs without any byte for so long it counts as broken
 * @returns the stream: MPEG-TS in which the GOP stands at FEED_OFFSET_TICKS. It is destroyed with an error when
 * it breaks or falls silent.
 * @throws SwarmError with the relay's own code (gop-left-ring, unknown-channel, …), or `unavailable`.
 */
export const openFeed = async (
  feedUrl: string,
  fromGop: number,
  signal: AbortSignal,
  proof?: string,
  idleMs = IDLE_LIMIT_MS,
): Promise<IncomingMessage> => {
  const url = new URL(feedUrl);
  url.searchParams.set('from_gop', String(fromGop));
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // A feed lives long: a connection of its own, not one of the kept-alive ones.
    const headers = proof === undefined ? {} : { [FEED_PROOF_HEADER]: proof };
    const asked = request(url, { method: 'GET', headers, signal, agent: false, timeout: idleMs });
    asked.on('response', resolve);
    asked.on('timeout', () => asked.destroy(new Error(`silent for ${idleMs} ms`)));
    asked.on('error', (error) =>
      reject(new SwarmError('unavailable', `The feed ${url.href} can't be read: ${error.message}.`)),
    );
    asked.end();
  });
  if (answer.statusCode === 200) return answer;
  let text = '';
  try {
    text = await readText(answer);
  } catch {
    // The status alone then says what is wrong.
  }
  throw refusalInAnswer(url, answer.statusCode ?? 0, text);
};
