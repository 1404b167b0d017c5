import type { SwarmError } from '../../domain';
import { readText, refusalInAnswer, request } from './http-exchange';
import type { EncodedGop, EncodedSegment } from './types';

const PUT_DEADLINE_MS = 10_000;
/** Where other origins can be asked: longer than an origin that works takes, with its wait for the relay's ledger. */
const PUT_DEADLINE_OF_SEVERAL_MS = 3_500;

export interface Publication {
  originUrl: string;
  /** Further origins that share the channel; default: none. */
  otherOriginUrls?: readonly string[] | undefined;
  channelId: string;
  encoderId: string;
  sessionId: string;
  /** Absent: the session has none. */
  secret?: string;
}

/** What became of a PUT. `no-answer`: it may or may not have been stored; asking again is safe. */
export type PutOutcome =
  | { kind: 'stored'; bytes: number }
  | { kind: 'refused'; error: SwarmError }
  | { kind: 'no-answer'; why: string };

/** Name and bytes; `/2` or `/3` where it holds every second or third picture. */
const declared = ({ name, segment, frameRateDivisor }: EncodedSegment): string =>
  `${name}=${segment.length}${frameRateDivisor === undefined ? '' : `/${frameRateDivisor}`}`;

/** Puts one GOP, all renditions in one body, at the origin (docs/reference/protocols/origin.md). Never throws. */
export const putGop = async (
  to: Publication,
  token: number,
  gop: EncodedGop,
  signal: AbortSignal,
): Promise<PutOutcome> => {
  const url = new URL(`${to.originUrl}/channels/${to.channelId}/gops/${gop.gop}`);
  const deadlineMs = to.otherOriginUrls?.length ? PUT_DEADLINE_OF_SEVERAL_MS : PUT_DEADLINE_MS;
  const bytes = gop.segments.reduce((sum, s) => sum + s.segment.length, 0);
  try {
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const put = request(url, {
        method: 'PUT',
        signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
        headers: {
          'content-type': 'video/mp2t',
          'content-length': bytes,
          'x-fencing-token': token,
          'x-renditions': gop.segments.map(declared).join(','),
          'x-encoder-id': to.encoderId,
          'x-session-id': to.sessionId,
          ...(to.secret !== undefined && { 'x-session-secret': to.secret }),
        },
      });
      put.on('error', reject);
      put.on('response', (answer) => {
        readText(answer).then((text) => resolve({ status: answer.statusCode ?? 0, text }), reject);
      });
      for (const { segment } of gop.segments) put.write(segment);
      put.end();
    });
    if (status === 200 || status === 201) return { kind: 'stored', bytes };
    return { kind: 'refused', error: refusalInAnswer(url, status, text) };
  } catch (error) {
    return { kind: 'no-answer', why: (error as Error).message };
  }
};
