import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { FEED_PROOF_HEADER, RelayClient, feedProofOf } from '../../src/contracts/relay';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { until } from '../support/until';
import { RelayUnderTest, type Ingest } from './relay-under-test';

/** Readers that know what every part knows, and take all the places there are. */

const MOST = 12;
const MOST_OF_CHANNEL = 4;
const GOP_TICKS = 90_000;

let relay: RelayUnderTest;
let ingest: Ingest;
let clip: Buffer;
const open: IncomingMessage[] = [];

beforeAll(() => {
  clip = makeClip('ffmpeg', { seconds: 4 });
});
beforeEach(async () => {
  relay = await RelayUnderTest.start({ maxFeeds: MOST, maxFeedsOfChannel: MOST_OF_CHANNEL });
  await relay.put('ch-1', GOP_TICKS);
  ingest = relay.ingest('ch-1');
  ingest.write(clip.subarray(0, clip.length / 2));
  await relay.ledger('ch-1', 0);
});
afterEach(async () => {
  for (const answer of open.splice(0)) answer.destroy();
  ingest.cut();
  await relay.stop();
});

/** A reader of a feed who takes all that comes; by the secret of its session, where it has one. */
const read = async (channel: string, secret?: string): Promise<IncomingMessage> => {
  const headers = secret === undefined ? {} : { [FEED_PROOF_HEADER]: feedProofOf(secret) };
  const [answer] = (await once(get(relay.feedUrl(channel, 0), { agent: false, headers }), 'response')) as [
    IncomingMessage,
  ];
  answer.on('error', () => undefined).resume();
  open.push(answer);
  return answer;
};
/** Each is answered before the next one asks. */
const crowd = async (channel: string, count: number): Promise<IncomingMessage[]> => {
  const answers: IncomingMessage[] = [];
  for (let i = 0; i < count; i += 1) answers.push(await read(channel));
  return answers;
};
/** As the origin does with each GOP that the owner publishes. */
const tellOwner = async (secret: string): Promise<void> => {
  const ownerProofSha256 = createHash('sha256').update(feedProofOf(secret)).digest('hex');
  await new RelayClient(relay.url).sealed('ch-1', 0, { ownerProofSha256 });
};

test('the feed of the owner stays, and one who takes over gets one, whatever a crowd of readers does', async () => {
  const owner = await read('ch-1', 'secret of a');
  await tellOwner('secret of a');
  const strangers = await crowd('ch-1', 3 * MOST);
  const next = await read('ch-1', 'secret of b');
  await until(
    'most strangers were cut off',
    () => strangers.filter(({ closed }) => !closed).length < MOST_OF_CHANNEL,
  );
  expect([owner.closed, next.closed]).toEqual([false, false]);
  // Pictures still come.
  const more = once(owner, 'data');
  ingest.write(clip.subarray(clip.length / 2));
  await more;

  // The channel changes hands: now it is the other's feed that stays.
  await tellOwner('secret of b');
  await crowd('ch-1', 3 * MOST);
  await until('the former owner was cut off', () => owner.closed);
  expect(next.closed).toBe(false);
});

test('who shows another secret, or the digest that others know, is not the owner', async () => {
  await tellOwner('secret of a');
  const digest = createHash('sha256').update(feedProofOf('secret of a')).digest('base64url');
  const liars = [await read('ch-1', 'secret of b'), await read('ch-1', digest), await read('ch-1', '')];
  await crowd('ch-1', 2 * MOST_OF_CHANNEL);
  await until('they were cut off', () => liars.every(({ closed }) => closed));
});

test('readers of one channel, or of all others, take no place from a channel', async () => {
  const others = ['ch-2', 'ch-3', 'ch-4', 'ch-5'];
  for (const id of others) await relay.put(id, GOP_TICKS);
  const owner = await read('ch-1', 'secret of a');
  await tellOwner('secret of a');
  for (const id of others) await crowd(id, 2 * MOST_OF_CHANNEL);
  const next = await read('ch-1', 'secret of b');
  expect([owner.closed, next.closed, next.statusCode]).toEqual([false, false, 200]);
});
