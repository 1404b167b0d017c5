import { EtcdGateway } from '../../src/media/ownership-store';
import { OriginTrio } from './support/origin-trio';
import { asGop, encodeGops } from './support/segments';

/** Origins that share channels, while members of etcd are stopped: they take connections, and never answer. */

const MEMBERS = [0, 1, 2];

let trio: OriginTrio;
beforeAll(async () => {
  trio = await OriginTrio.start(MEMBERS.length);
}, 60_000);
const goOn = (): void => MEMBERS.forEach((i) => trio.etcd.resume(i));
afterEach(goOn);
afterAll(() => trio?.stop());

const timed = async <T>(work: Promise<T>): Promise<{ answer: T; tookMs: number }> => {
  const beganAtMs = performance.now();
  const answer = await work;
  return { answer, tookMs: performance.now() - beganAtMs };
};

test('a member that is stopped is not waited for, and not asked first again', async () => {
  const leader = await trio.etcd.leader();
  const follower = MEMBERS.find((i) => i !== leader)!;
  const others = MEMBERS.filter((i) => i !== follower);
  const gateway = new EtcdGateway([follower, ...others].map((i) => trio.etcd.urls[i]!));
  await trio.etcd.suspend(follower);
  expect((await timed(gateway.get('/none'))).tookMs).toBeLessThan(2_000);
  expect((await timed(gateway.get('/none'))).tookMs).toBeLessThan(450);
});

test('what decides nothing is answered by what is known, a change of owner is refused, and GOPs go on', async () => {
  const gops = await encodeGops(3, '160x90');
  const put = (gop: number) => {
    const { segment, ptsTicks } = asGop(gops[gop]!, gop, gop);
    trio.relay.ptsTicksByGop.set(gop, ptsTicks);
    return trio.client(1).put('ch-1', gop, 1, 'a', { '90p': segment });
  };
  expect((await trio.client(0).register('ch-1')).status).toBe(200);
  expect((await trio.client(0).own('ch-1', 0, 'a', 0)).status).toBe(200);
  expect((await put(0)).status).toBe(201);
  await trio.caughtUp(2, 'ch-1', 1);
  // Each has read who owns it now; what is known is what was read last.
  for (const i of [0, 1, 2]) expect(await trio.client(i).channel('ch-1')).toMatchObject({ token: 1 });
  for (const i of MEMBERS) await trio.etcd.suspend(i);

  for (const i of [0, 1, 2]) {
    const one = await timed(trio.client(i).channel('ch-1'));
    expect(one.answer).toMatchObject({ token: 1, nextGop: 1 });
    const all = await timed(trio.client(i).call<object[]>('GET', '/channels'));
    expect(all.answer.body).toMatchObject([{ id: 'ch-1', token: 1 }]);
    expect(Math.max(one.tookMs, all.tookMs)).toBeLessThan(2_000);
  }
  expect(await trio.client(1).own('ch-1', 1, 'b', 1)).toMatchObject({
    status: 503,
    body: { error: { code: 'unavailable' } },
  });
  expect((await put(1)).status).toBe(201);

  goOn();
  expect((await trio.client(1).own('ch-1', 1, 'b', 2)).body).toMatchObject({ token: 2, firstGop: 2 });
}, 60_000);
