import type { OutgoingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import { originChannelSchema } from '../../contracts/origin';
import type { SwarmError } from '../../domain';
import { Deadline } from '../../platform/deadline';
import { HEALTH_ROUTE } from '../../platform/route';
import { StillThere } from '../../platform/still-there';
import { readText, refusalInAnswer, request } from './http-exchange';
import type { EncodedGop, EncodedSegment, PartialGop } from './types';

const PUT_DEADLINE_MS = 10_000;
/** Where other origins can be asked: longer than an origin that works takes, with its wait for the relay's ledger. */
const PUT_DEADLINE_OF_SEVERAL_MS = 3_500;
/** Most answers are there by then. After it, an origin is asked whether it is still there, as often as it says so. */
const PATIENCE_MS = 500;
const HEALTH_WITHIN_MS = 1_000;
/** An encode waits for it. */
const ASK_WITHIN_MS = 500;

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

const bytesOf = (segments: readonly EncodedSegment[]): number =>
  segments.reduce((sum, { segment }) => sum + segment.length, 0);

/** Who publishes, and what the body holds. */
const headersOf = (
  to: Publication,
  token: number,
  segments: readonly EncodedSegment[],
): OutgoingHttpHeaders => ({
  'content-type': 'video/mp2t',
  'content-length': bytesOf(segments),
  'x-fencing-token': token,
  'x-renditions': segments.map(declared).join(','),
  'x-encoder-id': to.encoderId,
  'x-session-id': to.sessionId,
  ...(to.secret !== undefined && { 'x-session-secret': to.secret }),
});

const channelUrl = ({ originUrl, channelId }: Publication, rest = ''): URL =>
  new URL(`${originUrl}/channels/${channelId}${rest}`);

const exchange = async (
  url: URL,
  options: { method: 'GET' | 'PUT'; headers?: OutgoingHttpHeaders; signal: AbortSignal },
  body: readonly Buffer[] = [],
  deadlineMs = PUT_DEADLINE_MS,
): Promise<{ status: number; text: string }> => {
  const deadline = new Deadline(deadlineMs, options.signal);
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asked = request(url, { ...options, signal: deadline.signal });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      readText(answer).then((text) => resolve({ status: answer.statusCode ?? 0, text }), reject);
    });
    for (const bytes of body) asked.write(bytes);
    asked.end();
  }).finally(() => deadline.end());
};

/** Puts bytes of all renditions in one body. Never throws. */
const put = async (
  url: URL,
  headers: OutgoingHttpHeaders,
  segments: readonly EncodedSegment[],
  signal: AbortSignal,
): Promise<PutOutcome> => {
  try {
    const body = segments.map(({ segment }) => segment);
    const { status, text } = await exchange(url, { method: 'PUT', headers, signal }, body);
    if (status === 200 || status === 201) return { kind: 'stored', bytes: bytesOf(segments) };
    return { kind: 'refused', error: refusalInAnswer(url, status, text) };
  } catch (error) {
    return { kind: 'no-answer', why: (error as Error).message };
  }
};

/**
 * Puts one GOP, all renditions in one body, at the origin (docs/reference/protocols/origin.md). Where there are others, one
 * that does not say any more that it is there gets no more time. Never throws.
 */
export const putGop = async (
  to: Publication,
  token: number,
  { gop, segments }: EncodedGop,
  signal: AbortSignal,
): Promise<PutOutcome> => {
  const url = channelUrl(to, `/gops/${gop}`);
  const headers = headersOf(to, token, segments);
  if (!to.otherOriginUrls?.length) return put(url, headers, segments, signal);
  const health = new URL(HEALTH_ROUTE.path, to.originUrl);
  const watch = new StillThere({
    ask: (asking) => exchange(health, { method: 'GET', signal: asking }, [], HEALTH_WITHIN_MS),
    ...{ everyMs: PATIENCE_MS, withinMs: HEALTH_WITHIN_MS },
  });
  const deadline = new Deadline(PUT_DEADLINE_OF_SEVERAL_MS, signal, watch.signal);
  try {
    return await put(url, headers, segments, deadline.signal);
  } finally {
    watch.end();
    deadline.end();
  }
};

/** Puts a stretch of a GOP that has not ended. Never throws. */
export const putPartial = (
  to: Publication,
  token: number,
  index: number,
  { gop, segments, untilTicks, run }: PartialGop,
  signal: AbortSignal,
): Promise<PutOutcome> => {
  const own = { 'x-until-ticks': untilTicks, 'x-encode-run': run };
  const url = channelUrl(to, `/gops/${gop}/partials/${index}`);
  return put(url, { ...headersOf(to, token, segments), ...own }, segments, signal);
};

const askedSchema = originChannelSchema.pick({ lowLatency: true, owner: true });

/**
 * What the origin wants of a channel's owner beside whole GOPs, and who that is.
 * @throws Error where it can't be asked
 */
export const askForPartials = async (
  to: Publication,
  signal: AbortSignal,
): Promise<z.infer<typeof askedSchema>> => {
  const url = channelUrl(to);
  const { status, text } = await exchange(url, { method: 'GET', signal });
  if (status !== 200) throw refusalInAnswer(url, status, text);
  return askedSchema.parse(JSON.parse(text));
};

/**
 * What is public of the GOP that a session has to publish next, where it is in force as the owner. Null: nothing, or it
 * could not be told soon: then the GOP is encoded as ever.
 */
export const askForPublicGop = async (
  to: Publication,
): Promise<{ gop: number; untilTicks: number } | null> => {
  const deadline = new Deadline(ASK_WITHIN_MS);
  try {
    const { owner, lowLatency } = await askForPartials(to, deadline.signal);
    return owner?.sessionId === to.sessionId ? (lowLatency?.open ?? null) : null;
  } catch {
    return null;
  } finally {
    deadline.end();
  }
};
