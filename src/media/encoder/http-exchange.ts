import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http';
import { SwarmError, errorFromText } from '../../domain';
import { linkRequest } from '../../platform/links/client';
import { partAuthorization } from '../../platform/own-identity';

/** Refusals are small; what is longer is not one of ours. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Begins a request to another part, over http or https on kept-alive connections. */
export const request = (
  url: URL,
  { headers, ...options }: RequestOptions & { headers?: OutgoingHttpHeaders },
): ClientRequest => linkRequest(url, { ...options, headers: { ...partAuthorization(), ...headers } });

/** Reads a whole answer of bounded size as text. */
export const readText = async (answer: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new SwarmError('internal', 'An answer is longer than any of ours.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** The refusal that an answer carries; `unavailable` for a 5xx and `bad-request` for others that carry none. */
export const refusalInAnswer = (url: URL, status: number, text: string): SwarmError =>
  errorFromText(text) ??
  new SwarmError(
    status >= 500 ? 'unavailable' : 'bad-request',
    `${url.origin}${url.pathname} answered ${status} without a reason.`,
  );
