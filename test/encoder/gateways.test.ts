import type { PrepareSession } from '../../src/contracts/encoder/requests';
import { throughGateways } from '../../src/media/encoder/gateways';
import { refusalFrom } from '../support/refusal';

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
const gateways = { relayUrl: 'http://127.0.0.1:9/edge', originUrl: 'http://127.0.0.1:8' };

test('without gateways an order is carried out as it is', () => {
  expect(throughGateways(order)).toEqual(order);
  expect(throughGateways(order, {})).toEqual(order);
});

test('a host behind gateways reaches the same feed and the same channels through them', () => {
  const through = {
    ...order,
    feedUrl: 'http://127.0.0.1:9/edge/channels/ch-1/feed',
    originUrl: 'http://127.0.0.1:8',
  };
  expect(throughGateways(order, gateways)).toEqual(through);
  const elsewhere = { ...order, feedUrl: 'http://proxy/relay/channels/ch-1/feed?x=1' };
  expect(throughGateways(elsewhere, gateways)).toEqual(through);
});

test.each([
  'http://169.254.169.254/latest/meta-data',
  'http://relay:7701/channels/ch-2/feed',
  'http://relay:7701/feed',
  'http://relay:7701/channels/ch-1/feed/../../../admin',
])('an order can not have it ask something else: %s', (feedUrl) => {
  expect(refusalFrom(() => throughGateways({ ...order, feedUrl }, gateways)).code).toBe('bad-request');
});

describe('a self-test', () => {
  const clip = (at: string, originUrl = at): PrepareSession => ({
    ...order,
    ...{ channelId: 'self-test', feedUrl: `${at}/feed`, originUrl },
  });

  test('comes from the machine of the worker', () => {
    const near = clip('http://127.0.0.1:4711');
    expect(throughGateways(near, gateways)).toEqual(near);
    const named = clip('http://worker-1:4711');
    expect(throughGateways(named, { ...gateways, clipHosts: ['worker-1'] })).toEqual(named);
    const ofSix = clip('http://[fd00::7]:4711');
    expect(throughGateways(ofSix, { ...gateways, clipHosts: ['fd00::7'] })).toEqual(ofSix);
  });

  test.each<[string, PrepareSession, string[] | undefined]>([
    ['another machine', clip('http://elsewhere:4711'), undefined],
    ['this machine, where that is not named', clip('http://127.0.0.1:4711'), ['worker-1']],
    ['here, to be published elsewhere', clip('http://127.0.0.1:4711', 'http://elsewhere:80'), undefined],
  ])('is refused from %s', (_, asked, clipHosts) => {
    expect(refusalFrom(() => throughGateways(asked, { ...gateways, clipHosts })).code).toBe('bad-request');
  });

  test('a channel of that name is a channel', () => {
    const channel = { ...order, channelId: 'self-test', feedUrl: 'http://x/channels/self-test/feed' };
    expect(throughGateways(channel, gateways).feedUrl).toBe(
      'http://127.0.0.1:9/edge/channels/self-test/feed',
    );
  });
});
