import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { channelFiles } from '../../src/media/origin/recovery';
import { ownerNamed } from './support/origin-client';
import { RunningOrigin } from './support/running-origin';
import { encodeGops, type EncodedGop } from './support/segments';

/** Who knows all that the origin shows of an owner is not the owner. */

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const newSecret = (): string => randomBytes(32).toString('base64url');
const secret = newSecret();
const ownerSecretSha256 = digestOf(secret);

let origin: RunningOrigin;
let gops: EncodedGop[];

beforeAll(async () => {
  gops = await encodeGops(3, '128x72');
});
beforeEach(async () => {
  origin = await RunningOrigin.start();
  gops.forEach((gop, number) => origin.relay.ptsTicksByGop.set(number, gop.ptsTicks));
  await origin.client.register('ch-1');
});
afterEach(() => origin.stop());

const put = (gop: number, token: number, shown?: string) =>
  origin.client.put(
    'ch-1',
    gop,
    token,
    'a',
    { '144p': gops[gop]!.segment },
    {
      ...(shown !== undefined && { 'x-session-secret': shown }),
    },
  );
const refusedPuts = async (gop: number, token: number): Promise<void> => {
  for (const shown of [undefined, newSecret(), ownerSecretSha256, secret.slice(0, -1)]) {
    expect(await put(gop, token, shown)).toMatchObject({
      status: 409,
      body: { error: { code: 'stale-token' } },
    });
  }
};

test('the secret opens the channel, and neither token, names nor digest do; also after a restart', async () => {
  const granted = await origin.client.own('ch-1', 0, 'a', 0, { ownerSecretSha256 });
  expect(granted).toMatchObject({ status: 200, body: { token: 1 } });
  expect(await origin.client.channel('ch-1')).toMatchObject({
    owner: ownerNamed('a'),
    ownerHasSecret: true,
  });
  await refusedPuts(0, 1);
  expect((await put(0, 1, secret)).status).toBe(201);
  expect(await put(0, 1, secret)).toMatchObject({ status: 200, body: { duplicate: true } });
  await refusedPuts(0, 1);

  await origin.restart();
  await refusedPuts(1, 1);
  expect((await put(1, 1, secret)).status).toBe(201);
  expect((await origin.client.ledger('ch-1')).map(({ gop }) => gop)).toEqual([0, 1]);
});

test('neither secret nor digest is found in an answer or in the log', async () => {
  const { client } = origin;
  const answers: unknown[] = [await client.own('ch-1', 0, 'a', 0, { ownerSecretSha256 })];
  await refusedPuts(0, 1);
  answers.push(await put(0, 1, secret), await put(0, 1));
  const paths = [
    '/channels',
    '/channels/ch-1',
    '/channels/ch-1/ledger',
    '/channels/ch-1/wait?gop=0',
    '/healthz',
  ];
  answers.push(...(await Promise.all(paths.map((path) => client.call('GET', path)))));
  answers.push(await client.own('ch-1', 0, 'b', 0, { ownerSecretSha256: digestOf('b') }));
  answers.push(await client.own('ch-1', 1, 'a', 1, { requestId: 'own-0-a-0' }));
  expect(answers).toHaveLength(10);
  const seen = JSON.stringify(answers) + origin.logged.join('');
  expect(seen).toContain(ownerNamed('a').sessionId);
  expect(origin.logged.join('')).toContain('channel has changed hands');
  for (const hidden of [secret, ownerSecretSha256, digestOf('b')]) expect(seen).not.toContain(hidden);
});

test('the same request again gets its answer; with another secret it is refused, and so is that secret', async () => {
  const granted = await origin.client.own('ch-1', 0, 'a', 0, { ownerSecretSha256 });
  expect(await origin.client.own('ch-1', 0, 'a', 0, { ownerSecretSha256 })).toEqual(granted);
  const other = newSecret();
  for (const more of [{}, { ownerSecretSha256: digestOf(other) }]) {
    expect(await origin.client.own('ch-1', 0, 'a', 0, more)).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict' } },
    });
  }
  expect((await put(0, 1, other)).status).toBe(409);
  expect((await put(0, 1, secret)).status).toBe(201);
});

test.each(['not hex', 'ABCDEF'.repeat(10) + 'abcd', ''])(
  'a digest that is none is refused: %j',
  async (bad) => {
    expect((await origin.client.own('ch-1', 0, 'a', 0, { ownerSecretSha256: bad })).status).toBe(400);
  },
);

test('a state of the release before opens: its owner goes on without a secret until the next grant', async () => {
  await origin.client.own('ch-1', 0, 'a', 0);
  await origin.end();
  const { record } = channelFiles(join(origin.stateDir, 'origin', 'ch-1'));
  const state = JSON.parse(await readFile(record, 'utf8')) as { ownership: Record<string, unknown> };
  expect(state.ownership).toHaveProperty('ownerSecretSha256', null);
  delete state.ownership.ownerSecretSha256;
  await writeFile(record, JSON.stringify(state));
  await origin.begin();

  expect(await origin.client.channel('ch-1')).toMatchObject({ token: 1, ownerHasSecret: false });
  expect((await put(0, 1)).status).toBe(201);
  // The host may be newer than the grant, and shows what it has.
  expect((await put(1, 1, secret)).status).toBe(201);
  await origin.client.own('ch-1', 1, 'a', 2, { ownerSecretSha256 });
  await refusedPuts(2, 2);
  expect((await put(2, 2, secret)).status).toBe(201);
});
