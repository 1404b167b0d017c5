import { createHash } from 'node:crypto';
import { credentials, type Client, type ServiceError } from '@grpc/grpc-js';
import pino from 'pino';
import { encoderContract, type ContractVersion } from '../../src/contracts/encoder/grpc-contract';
import { toWirePrepare } from '../../src/contracts/encoder/requests';
import { feedProofOf } from '../../src/contracts/relay';
import { until } from '../support/until';
import { startFeedAndOrigin } from './support/feed-and-origin';
import type { FeedServer } from './support/feed-server';
import type { RecordingOrigin } from './support/recording-origin';
import { sessionRequest, startHost } from './support/test-host';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

let feed: FeedServer;
let origin: RecordingOrigin;
startFeedAndOrigin(
  { liveGops: 6 },
  (started) => ({ feed, origin } = started),
  () => [feed, origin],
);

/** Calls as they cross the wire, by one version of the contract. */
const rawCalls = (address: string, version: ContractVersion) => {
  const client = new (encoderContract(version))(address, credentials.createInsecure());
  type Call = (
    this: Client,
    request: object,
    done: (error: ServiceError | null, answer: unknown) => void,
  ) => void;
  return {
    ask: (method: string, request: object): Promise<Record<string, unknown>> =>
      new Promise((resolve, reject) => {
        const call = (client as unknown as Record<string, Call>)[method]!;
        call.call(client, request, (error, answer) => (error ? reject(error) : resolve(answer as never)));
      }),
    close: () => client.close(),
  };
};

test('a session shows a secret of its own to the origin, and tells its digest to whoever prepared it', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) });
  const { host, client, stop } = await startHost({ log });
  const [newer, older] = [rawCalls(host.address, 2), rawCalls(host.address, 1)];
  try {
    expect(await client.describe()).toMatchObject({ hasSessionSecrets: true });
    const request = sessionRequest(feed.url, origin.url);
    const prepared = await client.prepare(request);
    const { secretSha256 } = prepared;
    expect(secretSha256).toMatch(/^[0-9a-f]{64}$/);
    // Asked again, it is the same session; another one has another secret.
    expect(await client.prepare(request)).toMatchObject({ secretSha256 });
    const other = await client.prepare(sessionRequest(feed.url, origin.url));
    expect(other.secretSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(other.secretSha256).not.toBe(secretSha256);

    await client.commit(request.sessionId, 1, 4);
    await until('GOP 5', () => origin.gops.includes(5));
    const shown = origin.published.map(({ secret }) => secret);
    expect(new Set(shown).size).toBe(1);
    expect(shown[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(digestOf(shown[0]!)).toBe(secretSha256);
    // The relay sees a proof that is made of it, and not the secret.
    expect(feed.proofs[0]).toBe(feedProofOf(shown[0]!));

    const { sessionId } = request;
    const looks = [
      await newer.ask('getSession', { sessionId }),
      await newer.ask('commitSession', { sessionId, token: 1, firstGop: 4 }),
      await newer.ask('getTelemetry', {}),
      await older.ask('prepareSession', toWirePrepare(request)),
      await older.ask('describe', {}),
      await client.session(sessionId),
      await client.telemetry(),
    ];
    const seen = JSON.stringify(looks) + logged.join('');
    expect(seen).toContain(sessionId);
    expect(logged.join('')).toContain('publishing');
    for (const hidden of [shown[0]!, secretSha256!]) expect(seen).not.toContain(hidden);
  } finally {
    newer.close();
    older.close();
    await stop();
  }
});
