import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { startOrigin } from '../../src/media/origin';
import type { Answer } from './support/origin-client';
import { RunningOrigin } from './support/running-origin';
import { asGop, encodeGops, type EncodedGop } from './support/segments';

let small: EncodedGop[];
const refusalOf = (answer: Answer<unknown>) => [answer.status, answer.body.error?.code];
beforeAll(async () => {
  small = await encodeGops(1, '128x72');
});

test('a damaged record of ownership is left alone and named; other channels are served', async () => {
  const damaged = await RunningOrigin.start();
  for (const name of ['ch-1', 'ch-2']) await damaged.client.register(name);
  await damaged.client.own('ch-1', 0, 'a', 0);
  await damaged.end();
  const folder = join(damaged.stateDir, 'origin');
  const path = join(folder, 'ch-1', 'channel.json');
  const spoilt = (await readFile(path, 'utf8')).slice(0, 30);
  await writeFile(path, spoilt);
  await damaged.begin();
  expect((await damaged.client.call('GET', '/channels/ch-2')).status).toBe(200);
  expect((await damaged.client.call('GET', '/healthz')).body).toMatchObject({
    damaged: [{ what: 'ch-1', message: expect.stringContaining(path) }],
  });
  expect(refusalOf(await damaged.client.register('ch-1'))).toEqual([503, 'unavailable']);
  expect(refusalOf(await damaged.client.own('ch-1', 1, 'b', 0))).toEqual([503, 'unavailable']);
  expect(await readFile(path, 'utf8')).toBe(spoilt);
  // Removed and added again, it begins above every token that it can have had.
  expect((await damaged.client.call('DELETE', '/channels/ch-1')).status).toBe(204);
  expect((await damaged.client.register('ch-1')).body.token).toBeGreaterThan(1_000);
  const aside = (await readdir(folder)).find((name) => name.startsWith('ch-1.aside-'));
  expect(await readFile(join(folder, aside!, 'channel.json'), 'utf8')).toBe(spoilt);
  await damaged.stop();
});

test('ledger lines that are not understood give no GOP number free, and lose no file', async () => {
  const newer = await RunningOrigin.start();
  for (let gop = 0; gop < 4; gop++) newer.relay.ptsTicksByGop.set(gop, asGop(small[0]!, 0, gop).ptsTicks);
  await newer.client.register('ch-1');
  await newer.client.own('ch-1', 0, 'a', 0);
  const put = (gop: number) =>
    newer.client.put('ch-1', gop, 1, 'a', { '144p': asGop(small[0]!, 0, gop).segment });
  for (let gop = 0; gop < 3; gop++) await put(gop);
  await newer.end();
  const folder = join(newer.stateDir, 'origin', 'ch-1');
  const path = join(folder, 'ledger.jsonl');
  const lines = (await readFile(path, 'utf8')).split('\n');
  const strange = lines.map((line) => line.replace(/"gop":([12]),"token":1/, '"gop":$1,"token":"one"'));
  await writeFile(path, strange.join('\n'));
  await newer.begin();
  expect(await newer.client.channel('ch-1')).toMatchObject({ nextGop: 3 });
  expect(refusalOf(await put(1))).toEqual([409, 'gop-exists']);
  expect((await put(3)).status).toBe(201);
  const reasons = (await newer.client.ledger('ch-1')).map((e) => e.gapReason !== undefined);
  expect(reasons).toEqual([false, true, true, false]);
  const names = await readdir(folder);
  const copy = names.find((name) => name.startsWith('ledger.jsonl.aside-'));
  expect(await readFile(join(folder, copy!), 'utf8')).toBe(strange.join('\n'));
  const segments = await readdir(join(folder, 'gops'));
  expect(segments.filter((name) => name.startsWith('2.ts.aside-'))).toHaveLength(1);
  await newer.restart();
  expect((await readdir(folder)).filter((name) => name.includes('.aside-'))).toHaveLength(1);
  await newer.stop();
});

test('a wall clock that is set by a day makes no segment old', async () => {
  const clock = jest.spyOn(Date, 'now');
  const dvr = await RunningOrigin.start({ retentionMs: 60_000 });
  for (let gop = 0; gop < 3; gop++) dvr.relay.ptsTicksByGop.set(gop, asGop(small[0]!, 0, gop).ptsTicks);
  await dvr.client.register('ch-1');
  await dvr.client.own('ch-1', 0, 'a', 0);
  const put = (gop: number) =>
    dvr.client.put('ch-1', gop, 1, 'a', { '144p': asGop(small[0]!, 0, gop).segment });
  await put(0);
  const realNow = Date.now();
  for (const [gop, days] of [
    [1, 1],
    [2, -1],
  ] as const) {
    // prettier-ignore
    clock.mockReturnValue(realNow + days * 86_400_000);
    expect((await put(gop)).status).toBe(201);
    // Opening looks through the segments as the housekeeping does.
    await dvr.restart();
    expect(await dvr.client.channel('ch-1')).toMatchObject({ oldestGop: 0, nextGop: gop + 1 });
  }
  clock.mockRestore();
  await dvr.stop();
});

test('a second origin on the same folder is refused, and touches nothing', async () => {
  const first = await RunningOrigin.start();
  await first.client.register('ch-1');
  await first.client.own('ch-1', 0, 'a', 0);
  const path = join(first.stateDir, 'origin', 'ch-1', 'channel.json');
  const before = await readFile(path, 'utf8');
  const log = pino({ level: 'silent' });
  const where = { host: '127.0.0.1', port: 0, stateDir: first.stateDir, relayUrl: first.relay.url, log };
  await expect(startOrigin(where)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`in use by the origin of process ${process.pid}`),
    hint: expect.stringContaining('SWARM_STATE_DIR'),
  });
  expect(await readFile(path, 'utf8')).toBe(before);
  expect((await first.client.own('ch-1', 1, 'b', 0)).body).toMatchObject({ token: 2 });
  await first.stop();
});

test('an origin whose lock file was removed gives no token any more', async () => {
  const first = await RunningOrigin.start();
  await first.client.register('ch-1');
  await rm(join(first.stateDir, 'origin', '.lock'));
  expect(refusalOf(await first.client.own('ch-1', 0, 'a', 0))).toEqual([409, 'conflict']);
  await first.stop();
});

test('state of a newer release is refused by name, and not touched', async () => {
  const newer = await RunningOrigin.start();
  await newer.client.register('ch-1');
  await newer.end();
  const format = join(newer.stateDir, 'format.json');
  expect(JSON.parse(await readFile(format, 'utf8'))).toEqual({ format: 1 });
  await writeFile(format, '{"format":2,"more":"to come"}');
  await expect(newer.begin()).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/has state of format 2; this release reads formats up to 1/),
  });
  await writeFile(format, '{"format":');
  await expect(newer.begin()).rejects.toMatchObject({ code: 'unavailable' });
  await writeFile(format, '{"format":1}');
  await newer.begin();
  expect((await newer.client.channel('ch-1')).id).toBe('ch-1');
  await newer.stop();
});
