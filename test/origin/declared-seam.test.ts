import { RunningOrigin } from './support/running-origin';
import { encodeGops, type EncodedGop } from './support/segments';

const GOPS = 8;

let origin: RunningOrigin;
let gops: EncodedGop[];

beforeAll(async () => {
  gops = await encodeGops(GOPS, '128x72');
});
beforeEach(async () => {
  origin = await RunningOrigin.start();
  gops.forEach(({ ptsTicks }, gop) => origin.relay.ptsTicksByGop.set(gop, ptsTicks));
  await origin.client.register('ch-1');
});
afterEach(() => origin.stop());

const publish = async (token: number, owner: string, from: number, to: number): Promise<void> => {
  for (let gop = from; gop < to; gop += 1) {
    const segments = { '144p': gops[gop]!.segment };
    expect((await origin.client.put('ch-1', gop, token, owner, segments)).status).toBe(201);
  }
};

/** GOPs with an EXT-X-DISCONTINUITY in front of them. */
const discontinuities = async (): Promise<number[]> => {
  const { text } = await origin.client.text('/hls/ch-1/144p/index.m3u8?window_s=900');
  const found = [...text.matchAll(/#EXT-X-DISCONTINUITY\n(?:#.*\n)*(\d+)\.ts/g)];
  return found.map(([, gop]) => Number(gop));
};

test('a change of owner that declares a discontinuity has one at its first GOP, and only there', async () => {
  const { client } = origin;
  await client.own('ch-1', 0, 'a', 0, { discontinuity: true });
  await publish(1, 'a', 0, 3);
  // Nothing was on air before the first owner, so there is no seam.
  expect(await discontinuities()).toEqual([]);
  expect((await client.own('ch-1', 1, 'b', 0, { discontinuity: true })).body).toEqual({
    token: 2,
    firstGop: 3,
  });
  await publish(2, 'b', 3, 6);
  await client.own('ch-1', 2, 'a', 0);
  await publish(3, 'a', 6, 8);
  expect(await discontinuities()).toEqual([3]);
});

test('an owner that never published leaves its declaration to the one after it', async () => {
  const { client } = origin;
  await client.own('ch-1', 0, 'a', 0);
  await publish(1, 'a', 0, 3);
  await client.own('ch-1', 1, 'b', 0, { discontinuity: true });
  await client.own('ch-1', 2, 'a', 0);
  await publish(3, 'a', 3, 5);
  expect(await discontinuities()).toEqual([3]);
});

test('the declaration outlives a restart of the origin, and is not repeated after one', async () => {
  const { client } = origin;
  await client.own('ch-1', 0, 'a', 0);
  await publish(1, 'a', 0, 3);
  const asked = await client.own('ch-1', 1, 'b', 0, { discontinuity: true });
  await origin.restart();
  expect(await origin.client.own('ch-1', 1, 'b', 0, { discontinuity: true })).toEqual(asked);
  // The request id stands for the request as it was, discontinuity and all.
  expect((await origin.client.own('ch-1', 1, 'b', 0)).status).toBe(409);
  await publish(2, 'b', 3, 5);
  await origin.restart();
  await publish(2, 'b', 5, 7);
  expect(await discontinuities()).toEqual([3]);
});
