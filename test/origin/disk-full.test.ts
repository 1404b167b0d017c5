import fc from '../support/fast-check';
import { SmallDisk } from '../support/small-disk';
import { RunningOrigin } from './support/running-origin';
import { asGop, encodeGops, type EncodedGop } from './support/segments';

const MiB = 2 ** 20;

let pattern: EncodedGop;
let disk: SmallDisk | undefined;
let origin: RunningOrigin;

beforeAll(async () => {
  [pattern] = (await encodeGops(1, '320x180', { crf: 12 })) as [EncodedGop];
});
beforeEach(async () => {
  disk = SmallDisk.mount(4 * MiB);
  if (disk) origin = await RunningOrigin.start({ retentionBytes: MiB }, { parent: disk.path });
});
afterEach(async () => {
  if (!disk) return;
  await origin.stop();
  disk.unmount();
});

const gopNumber = (gop: number): Buffer => {
  const made = asGop(pattern, 0, gop);
  origin.relay.ptsTicksByGop.set(gop, made.ptsTicks);
  return made.segment;
};
const put = (gop: number) => origin.client.put('ch-1', gop, 1, 'a', { '180p': gopNumber(gop) });
const storage = async () =>
  (await origin.client.call<{ storage: { state: string; affected: string[] } }>('GET', '/healthz')).body
    .storage;
const playlist = async (): Promise<string> =>
  (await origin.client.text('/hls/ch-1/180p/index.m3u8?window_s=900')).text;

test('a full disk: GOPs are refused, what there is goes on being served, and all goes on when there is room', async () => {
  if (!disk) return;
  const { client } = origin;
  await client.register('ch-1');
  await client.own('ch-1', 0, 'a', 0);
  for (const gop of [0, 1]) expect((await put(gop)).status).toBe(201);
  const before = { channel: await client.channel('ch-1'), playlist: await playlist() };
  disk.fill();

  const refused = await put(2);
  expect(refused).toMatchObject({ status: 507, body: { error: { code: 'storage-full' } } });
  expect(refused.body.error).toMatchObject({
    message: expect.stringContaining('ENOSPC'),
    hint: expect.stringContaining('Make room'),
  });
  expect((await client.own('ch-1', 1, 'b', 0)).status).toBe(507);
  const more = { token: 1, fromGop: 2, toGop: 3, reason: 'x' };
  expect((await client.call('POST', '/channels/ch-1/gaps', more)).status).toBe(507);
  expect((await client.register('ch-2')).status).toBe(507);
  const { refusals, ...unchanged } = await client.channel('ch-1');
  expect(refusals).toEqual({ 'storage-full': 3 });
  expect(unchanged).toEqual({ ...before.channel, refusals: undefined });
  expect(await storage()).toMatchObject({ state: 'full', affected: expect.arrayContaining(['ch-1']) });
  expect(await playlist()).toBe(before.playlist);
  expect((await client.text('/hls/ch-1/180p/1.ts')).status).toBe(200);

  // Also a restart amid it finds all that was acknowledged.
  await origin.restart();
  expect(await playlist()).toBe(before.playlist);
  expect((await put(2)).status).toBe(507);

  disk.free();
  expect((await put(2)).status).toBe(201);
  expect(await storage()).toEqual({ state: 'ok', sinceMs: null, message: null, affected: [] });
  expect(await origin.client.own('ch-1', 1, 'b', 0)).toMatchObject({
    status: 200,
    body: { token: 2, firstGop: 3 },
  });
  expect((await origin.client.register('ch-2')).status).toBe(200);
});

test('wherever in a publication the room ends, a restart finds whole GOPs only', async () => {
  if (!disk) return;
  await origin.client.register('ch-1');
  await origin.client.own('ch-1', 0, 'a', 0);
  const segmentBytes = gopNumber(0).length;
  let nextGop = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: segmentBytes + 3 * 4_096 }), async (leftBytes) => {
      disk!.fill(leftBytes);
      const { status } = await put(nextGop);
      expect([201, 507]).toContain(status);
      if (status === 201) nextGop += 1;
      await origin.restart();
      expect(await origin.client.channel('ch-1')).toMatchObject({ nextGop, gapsDeclared: 0, token: 1 });
      const ledger = await origin.client.ledger('ch-1');
      expect(ledger.map((e) => e.gop)).toEqual(Array.from({ length: nextGop }, (_, gop) => gop));
      if (nextGop > 0) expect(await playlist()).not.toContain('EXT-X-GAP');
      disk!.free();
      expect((await put(nextGop)).status).toBe(201);
      nextGop += 1;
    }),
    { numRuns: 20, seed: 7 },
  );
  expect(nextGop).toBeGreaterThan(20);
});
