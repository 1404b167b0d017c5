import type { PrepareSession } from '../../contracts/encoder/requests';

/** Where a host reaches relay and origin, if not where a session's order says. Base URLs without a slash at the end. */
export interface Gateways {
  relayUrl?: string | undefined;
  originUrl?: string | undefined;
}

/** A session's order as this host can carry it out. */
export const throughGateways = (
  order: PrepareSession,
  { relayUrl, originUrl }: Gateways = {},
): PrepareSession => {
  const { pathname, search } = new URL(order.feedUrl);
  return {
    ...order,
    ...(relayUrl !== undefined && { feedUrl: `${relayUrl}${pathname}${search}` }),
    ...(originUrl !== undefined && { originUrl }),
  };
};
