import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import pino from 'pino';
import { readEnvironment } from '../../src/config/config';
import type { RunningServer } from '../../src/platform/http';
import { startCodecServer } from '../../src/temporal/codec-server';
import { EncryptingCodec, dataConverterOf, payloadCodecOf } from '../../src/temporal/payload-codec';
import { PayloadKeys } from '../../src/temporal/payload-keys';

const CANARY = 'canary-of-a-payload';
const plain = (value: unknown = { passphrase: CANARY }): Payload => defaultPayloadConverter.toPayload(value);
const read = (payload: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(payload!);
const textOf = (payload: Payload): string =>
  [...Object.values(payload.metadata ?? {}), payload.data ?? []]
    .map((b) => Buffer.from(b).toString('latin1'))
    .join();

let folder: string;
const keysAt = (): string => join(folder, 'secrets', 'payload-keys');
const codec = async (encrypts = true): Promise<EncryptingCodec> =>
  new EncryptingCodec(await PayloadKeys.open(keysAt(), { make: encrypts }), encrypts);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'payload-codec-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a payload can be read with the key, and with nothing else', async () => {
  const first = await codec();
  const given = [plain(), plain('text'), plain(null), plain(Buffer.from([0, 255]))];
  const hidden = await first.encode(given);
  for (const payload of hidden) expect(textOf(payload)).not.toContain(CANARY);
  expect((await first.decode(hidden)).map(read)).toEqual(given.map(read));
  // Twice the same is not seen to be the same.
  const [again] = await first.encode([given[0]!]);
  expect(Buffer.from(again!.data!)).not.toEqual(Buffer.from(hidden[0]!.data!));

  for (let at = 0; at < hidden[0]!.data!.length; at += 7) {
    const changed = Buffer.from(hidden[0]!.data!);
    changed[at]! ^= 1;
    await expect(first.decode([{ ...hidden[0]!, data: changed }])).rejects.toMatchObject({
      code: 'unavailable',
    });
  }
  await expect(first.decode([{ ...hidden[0]!, data: Buffer.alloc(3) }])).rejects.toThrow('key 1');
  await writeFile(join(keysAt(), '1'), 'ab'.repeat(32));
  await expect((await codec()).decode(hidden)).rejects.toThrow("can't be decrypted with key 1");
  await rm(join(keysAt(), '1'));
  await expect((await codec(false)).decode(hidden)).rejects.toThrow(
    'encrypted with key "1", which is not in',
  );
});

test('what was written before, or by a swarm that does not encrypt, is as it is', async () => {
  expect((await (await codec()).decode([plain()])).map(read)).toEqual([{ passphrase: CANARY }]);
  expect(await (await codec(false)).encode([plain()])).toEqual([plain()]);
});

test('where the keys are taken away while it runs, nothing is written in plain', async () => {
  const running = await codec();
  await rm(keysAt(), { recursive: true });
  // It finds out when it meets a payload of a key that it does not know.
  const metadata = { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('2') };
  await expect(running.decode([{ metadata, data: Buffer.alloc(40) }])).rejects.toThrow('key "2"');
  await expect(running.encode([plain()])).rejects.toThrow('nothing is written to Temporal');
});

test('the key is its owner’s alone, made once, and a newer one is found without a restart', async () => {
  const codecs = await Promise.all([codec(), codec(), codec()]);
  expect(await readdir(keysAt())).toEqual(['1']);
  expect((await stat(join(keysAt(), '1'))).mode & 0o777).toBe(0o600);
  const [older] = await codecs[0].encode([plain()]);
  expect((await codecs[1].decode([older!])).map(read)).toEqual([{ passphrase: CANARY }]);

  await writeFile(join(keysAt(), '10'), `${'cd'.repeat(32)}\n`);
  await writeFile(join(keysAt(), '9'), `${'ef'.repeat(32)}\n`);
  await writeFile(join(keysAt(), 'notes'), 'no key');
  const newer = await (await codec()).encode([plain()]);
  expect(textOf(newer[0]!)).toContain('aes-256-gcm,10');
  for (const each of codecs) expect((await each.decode([...newer, older!])).map(read)).toHaveLength(2);
  await writeFile(join(keysAt(), '11'), 'no key');
  await expect(codec()).rejects.toThrow('holds no key');
  // Who runs already goes on, and names the file when it is asked for its key.
  await writeFile(join(keysAt(), '12'), `${'ab'.repeat(32)}\n`);
  await rm(join(keysAt(), '11'));
  const newest = await (await codec()).encode([plain()]);
  await writeFile(join(keysAt(), '11'), 'no key');
  expect(await codecs[0].decode(newest)).toHaveLength(1);
  const metadata = { ...newest[0]!.metadata, 'encryption-key-id': Buffer.from('11') };
  await expect(codecs[0].decode([{ ...newest[0]!, metadata }])).rejects.toThrow(
    `${join(keysAt(), '11')} holds no key`,
  );
});

test('it is off by default, goes on reading once it was on, and makes no key unasked', async () => {
  const environment = { SWARM_STATE_DIR: folder };
  expect(await dataConverterOf(readEnvironment(environment))).toEqual({});
  expect(await readdir(folder)).toEqual([]);
  const on = await payloadCodecOf(readEnvironment({ ...environment, SWARM_PAYLOAD_CODEC: 'on' }));
  const hidden = await on!.encode([plain()]);
  const off = await payloadCodecOf(readEnvironment(environment));
  expect(await off!.encode([plain()])).toEqual([plain()]);
  expect((await off!.decode(hidden)).map(read)).toEqual([{ passphrase: CANARY }]);
  const elsewhere = { ...environment, SWARM_PAYLOAD_KEYS: keysAt(), SWARM_STATE_DIR: tmpdir() };
  expect((await (await payloadCodecOf(readEnvironment(elsewhere)))!.decode(hidden)).map(read)).toHaveLength(
    1,
  );
});

describe('the codec server', () => {
  const page = 'http://127.0.0.1:8233';
  let server: RunningServer;
  let url: string;
  let body: string;
  beforeEach(async () => {
    const used = await codec();
    const [payload] = await used.encode([plain()]);
    const json = {
      metadata: Object.fromEntries(
        Object.entries(payload!.metadata!).map(([k, v]) => [k, Buffer.from(v).toString('base64')]),
      ),
      data: Buffer.from(payload!.data!).toString('base64'),
    };
    body = JSON.stringify({ payloads: [json] });
    const log = pino({ level: 'silent' });
    server = await startCodecServer(used, { port: 0, environment: { TEMPORAL_UI_URL: page }, log });
    url = `http://127.0.0.1:${server.port}/decode`;
  });
  afterEach(() => server.close());
  const ask = (headers: Record<string, string>, method = 'POST') =>
    fetch(url, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(method === 'POST' && { body }),
    });

  test.each([page, 'http://localhost:8233'])("decrypts for Temporal's page, %s", async (origin) => {
    const asked = await ask({ origin, 'access-control-request-method': 'POST' }, 'OPTIONS');
    expect(asked.status).toBe(204);
    const answer = await ask({ origin, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' });
    for (const { headers } of [asked, answer])
      expect(headers.get('access-control-allow-origin')).toBe(origin);
    const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
    expect(payloads).toHaveLength(1);
    expect(JSON.parse(Buffer.from(payloads[0]!.data, 'base64').toString())).toEqual({ passphrase: CANARY });
  });

  test.each<[string, Record<string, string>]>([
    ['another page', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:8234' }],
    ['a name that leads here', { origin: 'http://evil.example:8233' }],
    ['a page without an origin', { origin: 'null' }],
    ['who does not say', {}],
  ])('and not for %s', async (_, headers) => {
    for (const method of ['POST', 'OPTIONS']) {
      const answer = await ask(headers, method);
      expect([method, answer.status]).toEqual([method, 403]);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(await answer.text()).not.toContain(Buffer.from(CANARY).toString('base64').slice(2, 12));
    }
  });

  test('what is no payload is refused', async () => {
    body = JSON.stringify({ payloads: [{ data: 'not base64!' }] });
    expect((await ask({ origin: page })).status).toBe(400);
  });
});
