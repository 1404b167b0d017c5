import type { PrepareSession } from '../../src/contracts/encoder/requests';
import { throughGateways } from '../../src/media/encoder/gateways';

const order: PrepareSession = {
  sessionId: 's-1',
  channelId: 'ch-1',
  feedUrl: 'http://relay:7701/channels/ch-1/feed',
  originUrl: 'http://origin:7702',
  gopDurationTicks: 180_000,
  framesPerSecond: 25,
  renditions: [],
  fromGop: 3,
};

test('without gateways an order is carried out as it is', () => {
  expect(throughGateways(order)).toEqual(order);
  expect(throughGateways(order, {})).toEqual(order);
});

test('a host behind gateways reaches the same feed and the same channels through them', () => {
  const gateways = { relayUrl: 'http://127.0.0.1:9/edge', originUrl: 'http://127.0.0.1:8' };
  expect(throughGateways(order, gateways)).toEqual({
    ...order,
    feedUrl: 'http://127.0.0.1:9/edge/channels/ch-1/feed',
    originUrl: 'http://127.0.0.1:8',
  });
});
