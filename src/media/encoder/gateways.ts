import { SELF_TEST_CHANNEL, type PrepareSession } from '../../contracts/encoder/requests';
import { SwarmError } from '../../domain';

/**
 * Where a host reaches relay and origin, by its own configuration. Base URLs without a slash at the end; absent: where a
 * session's order says.
 */
export interface Gateways {
  relayUrl?: string | undefined;
  originUrl?: string | undefined;
  /** All relays that have the same channels, of which a session goes on with the next where one does not answer. */
  relayUrls?: readonly string[] | undefined;
  /** All origins that share the channels, of which a session goes on with the next where one does not answer. */
  originUrls?: readonly string[] | undefined;
  /** Names and addresses of machines that may serve the clips of self-tests; default: those of relay and origin. */
  clipHosts?: readonly string[] | undefined;
}

/** All others, from the one behind it on. */
const othersOf = (all: readonly string[], at: number): string[] => [
  ...all.slice(at + 1),
  ...all.slice(0, at),
];

/** The origins that share the channels with one of them, in the order in which they are asked; none, if it is none of them. */
export const otherOriginsOf = (originUrl: string, all: readonly string[] = []): string[] => {
  const at = all.indexOf(originUrl);
  return at < 0 ? [] : othersOf(all, at);
};

/** The same feed at the other relays, in the order in which they are read; none, if it is at none of them. */
export const otherFeedsOf = (feedUrl: string, all: readonly string[] = []): string[] => {
  const at = all.findIndex((url) => feedUrl.startsWith(`${url}/`));
  if (at < 0) return [];
  const path = feedUrl.slice(all[at]!.length);
  return othersOf(all, at).map((url) => `${url}${path}`);
};

const CLIP_PATH = '/feed';

/**
 * A session's order as this host carries it out. What is configured goes before what an order says, so that an order can't
 * have the host ask another address; only the clip of a self-test comes from the worker that sent the order.
 * @throws SwarmError bad-request for a feed that is no channel's, and for a clip from elsewhere
 */
export const throughGateways = (order: PrepareSession, gateways: Gateways = {}): PrepareSession => {
  const { relayUrl, originUrl } = gateways;
  if (relayUrl === undefined && originUrl === undefined) return order;
  const { pathname } = new URL(order.feedUrl);
  if (order.channelId === SELF_TEST_CHANNEL && pathname === CLIP_PATH) {
    requireClip(order, gateways);
    return order;
  }
  const path = `/channels/${order.channelId}/feed`;
  if (relayUrl !== undefined && !pathname.endsWith(path)) {
    throw new SwarmError(
      'bad-request',
      `${pathname} is not the feed of channel ${order.channelId}.`,
      `The path of a feed ends in ${path}.`,
    );
  }
  return {
    ...order,
    ...(relayUrl !== undefined && { feedUrl: `${relayUrl}${path}` }),
    ...(originUrl !== undefined && { originUrl }),
  };
};

const requireClip = (order: PrepareSession, { relayUrl, originUrl, clipHosts }: Gateways): void => {
  const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '');
  const known = clipHosts ?? [relayUrl, originUrl].flatMap((url) => (url === undefined ? [] : [hostOf(url)]));
  const { origin } = new URL(order.feedUrl);
  if (order.originUrl === origin && known.includes(hostOf(origin))) return;
  throw new SwarmError(
    'bad-request',
    `A self-test may not come from ${origin}.`,
    `This host takes clips from ${known.join(', ')}: name the machine of the worker in ENCODER_CLIP_HOSTS.`,
  );
};
