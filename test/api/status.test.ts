import type { RunningApi } from '../../src/api/server';
import { statusSchema, forecastsSchema } from '../../src/contracts/api';
import { deadlinesMs } from '../../src/observation/deadlines';
import { ManualClock } from '../support/manual-clock';
import { FakeSwarm } from './fake-swarm';
import { moveResult } from './move-result';
import { ask, startFakeApi } from './running-api';

let api: RunningApi & { swarm: FakeSwarm };
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock();
  api = await startFakeApi(new FakeSwarm({ clock }), {}, clock);
});
afterEach(() => api.stop());

const status = async () => statusSchema.parse((await ask(`${api.url}/api/status`)).body);
/** Longer than any reading is kept that this page shows. */
const pastCache = (): void => clock.advance(11_000);

test('answers its health check', async () => {
  expect(await ask(`${api.url}/healthz`)).toEqual({ status: 200, body: { status: 'ok', cell: 'local' } });
});

test('puts what all parts say into one status', async () => {
  api.swarm.cordons['enc-3'] = { draining: true, by: 'operator', atMs: 1 };
  const seen = await status();
  expect(seen.missing).toEqual([]);
  expect(seen.counts).toEqual({ onAir: 6, channels: 6, overloaded: 1, atRisk: 0 });
  const [enc1, , enc3] = seen.encoders;
  expect(enc1).toMatchObject({
    id: 'enc-1',
    zone: 'a',
    reachable: true,
    cordoned: false,
    load: 'overloaded',
  });
  expect(enc1!.limitUnits).toBeCloseTo(4.8);
  expect(enc1!.forecastP90Units).toBeGreaterThan(enc1!.forecastP50Units!);
  expect(enc1!.fitness).toMatchObject({ score: 0.52, weakestTerm: 'headroom' });
  expect(enc3).toMatchObject({ cordoned: true, draining: true });
  expect(seen.channels[0]).toMatchObject({
    id: 'ch-1',
    status: 'on-air',
    owner: { encoderId: 'enc-1' },
    ladder: ['180p', '144p', '240p'],
    rungs: ['180p', '144p', '240p'],
    playlistUrl: 'http://127.0.0.1:7702/hls/ch-1/index.m3u8',
  });
  expect(seen.channels[0]!.publishDelayMs).toBeGreaterThan(0);
  expect(seen.problems.join()).toContain('enc-1 is overloaded');
  expect(seen.forecast).toMatchObject({ model: 'seasonal-naive', held: ['ch-6'] });
  expect(seen.cycle!.url).toContain('/workflows/cycle%2Flocal%2F118');
});

test('a full disk of the media path is a problem that is named first', async () => {
  const full = {
    state: 'full' as const,
    sinceMs: 1,
    message: 'ENOSPC: no space left',
    affected: ['ch-1', 'ch-2'],
    damaged: [],
  };
  api.swarm.storage = [
    { part: 'relay', state: 'ok', sinceMs: null, message: null, affected: [], damaged: [] },
    { part: 'origin', ...full },
  ];
  const seen = await status();
  expect(seen.health).toBe('degraded');
  expect(seen.problems[0]).toMatch(
    /^The disk of the origin is full \(ch-1, ch-2\): nothing new is published.*ENOSPC/,
  );
  expect(seen.problems.join()).not.toContain('relay');
});

test('a workflow of the swarm that has ended is a problem, with what is done about it', async () => {
  const end = { runId: 'r', closedAtMs: 1, memo: {} };
  api.swarm.swarmEnd = { ...end, status: 'TERMINATED' };
  const seen = await status();
  expect(seen.health).toBe('degraded');
  expect(seen.channels).toHaveLength(6);
  expect(seen.problems[0]).toMatch(
    /^The workflow of the swarm was terminated: channels stay on air.*The worker starts it again/,
  );
  api.swarm.swarmEnd = { ...end, status: 'CANCELLED' };
  pastCache();
  expect((await status()).problems[0]).toMatch(/was cancelled: .*Start the swarm again\.$/);
  api.swarm.swarmEnd = null;
  pastCache();
  expect((await status()).problems.join()).not.toContain('workflow of the swarm');
});

test.each(['temporal', 'origin', 'source', 'fleet', 'influxdb', 'enc-2'])(
  'goes on without %s, and says that it is missing',
  async (part) => {
    api.swarm.silent.add(part);
    const seen = await status();
    const named = part === 'enc-2' ? 'encoder enc-2' : part;
    expect(seen.missing).toEqual([expect.objectContaining({ part: named, code: 'unavailable' })]);
    expect(seen.health).not.toBe('ok');
    expect(seen.channels).toHaveLength(6);
    const name = { temporal: 'Temporal', influxdb: 'InfluxDB', 'enc-2': 'enc-2' }[part] ?? `The ${part}`;
    expect(seen.problems).toContainEqual(expect.stringMatching(`^${name} does not answer`));
    if (part === 'enc-2') {
      const silent = seen.encoders.find((e) => e.id === 'enc-2')!;
      expect(silent).toMatchObject({ reachable: false, unitsUsed: null, load: 'unknown', sessions: [] });
      expect(seen.encoders.filter((e) => e.reachable)).toHaveLength(2);
    }
  },
);

test('keeps the last word of a part that falls silent, beside the fault', async () => {
  await status();
  api.swarm.silent.add('temporal');
  pastCache();
  const seen = await status();
  expect(seen.missing).toEqual([expect.objectContaining({ part: 'temporal' })]);
  expect(seen.policy).not.toBeNull();
  expect(seen.encoders[0]!.fitness).not.toBeNull();
});

test('a part that never answers delays the status by no more than its deadline', async () => {
  const ports = api.swarm.ports();
  const { parts } = api.swarm.ports();
  const telemetry = () => new Promise<never>(() => {});
  ports.parts.encoderAt = (address) => ({ ...parts.encoderAt(address), telemetry });
  const { swarm } = api;
  swarm.ports = () => ports;
  const slow = await startFakeApi(swarm, {}, clock);
  const answer = ask(`${slow.url}/api/status`);
  // Whoever answers does so within the tick that asks: what waits after it waits for the three encoders.
  while (clock.waiting === 0) await new Promise(setImmediate);
  clock.advance(deadlinesMs.observe);
  const { body } = await answer;
  expect(body.missing).toHaveLength(3);
  expect(body.missing[0]).toMatchObject({ part: 'encoder enc-1', code: 'timeout' });
  await slow.stop();
});

test('an encoder that is late once is not called silent; one that does not answer again is', async () => {
  const ports = api.swarm.ports();
  let late = 0;
  const { parts } = api.swarm.ports();
  ports.parts.encoderAt = (address) => ({
    ...parts.encoderAt(address),
    telemetry: (terms) =>
      late-- > 0 ? Promise.reject(new Error('late')) : parts.encoderAt(address).telemetry(terms),
  });
  const { swarm } = api;
  swarm.ports = () => ports;
  const busy = await startFakeApi(swarm, {}, clock);
  const look = async () => {
    pastCache();
    return statusSchema.parse((await ask(`${busy.url}/api/status`)).body);
  };
  expect((await look()).encoders.every((e) => e.reachable)).toBe(true);
  late = 3;
  expect(await look()).toMatchObject({ missing: [], encoders: [{ reachable: true }, {}, {}] });
  late = 6;
  expect((await look()).problems.filter((p) => p.includes('does not answer'))).toHaveLength(3);
  // Nobody waits for one whose silence is known: its answer shows in the look after the next.
  await look();
  expect((await look()).missing).toEqual([]);
  await busy.stop();
});

test('many readers at once cost the swarm one look', async () => {
  await status();
  pastCache();
  const before = api.swarm.calls;
  await status();
  const one = api.swarm.calls - before;
  pastCache();
  const beforeMany = api.swarm.calls;
  await Promise.all(Array.from({ length: 25 }, status));
  expect(api.swarm.calls - beforeMany).toBe(one);
});

test('a channel whose last GOP is old is late; one without owner is off air', async () => {
  const ports = api.swarm.ports();
  const plain = api.swarm.ports();
  ports.parts.origin.channels = async () =>
    (await plain.parts.origin.channels()).map((channel) => {
      if (channel.id === 'ch-1') return { ...channel, lastPublishedAtMs: clock.now() - 20_000 };
      return channel.id === 'ch-2' ? { ...channel, owner: null } : channel;
    });
  api.swarm.ports = () => ports;
  const other = await startFakeApi(api.swarm, {}, clock);
  const seen = statusSchema.parse((await ask(`${other.url}/api/status`)).body);
  expect(seen.channels.slice(0, 3).map((c) => c.status)).toEqual(['late', 'off-air', 'on-air']);
  expect(seen.problems.slice(0, 2)).toEqual([
    'ch-2 is off air: no encoder owns it.',
    'ch-1 is late: its last GOP came 20 s ago.',
  ]);
  expect(seen.counts.onAir).toBe(4);
  await other.stop();
});

test('lists channels, encoders and moves', async () => {
  for (let n = 0; n < 3; n += 1)
    api.swarm.remember(moveResult('ch-1', 'enc-1', 'enc-2', n, { reason: 'operator' }));
  expect((await ask(`${api.url}/api/channels`)).body).toHaveLength(6);
  expect((await ask(`${api.url}/api/encoders`)).body).toHaveLength(3);
  expect((await ask(`${api.url}/api/handoffs`)).body).toHaveLength(3);
  const limited = await ask(`${api.url}/api/handoffs?limit=2`);
  expect(limited.body).toHaveLength(2);
  expect(limited.body[0]).toMatchObject({ channelId: 'ch-1', requestToCommitMs: 182, overlapGops: 0.8 });
  expect(limited.body[0].url).toContain('/history');
  for (const limit of ['0', '201', 'x', '1.5']) {
    const refused = await ask(`${api.url}/api/handoffs?limit=${limit}`);
    expect(refused.status).toBe(400);
    expect(refused.body.error.message).toContain('limit');
  }
});

test('forecasts: an encoder is the sum of the channels that it owns', async () => {
  const told = forecastsSchema.parse((await ask(`${api.url}/api/forecasts`)).body);
  expect(told.missing).toEqual([]);
  const enc1 = told.encoders[0]!;
  expect(enc1.channels).toEqual(['ch-1', 'ch-2', 'ch-3']);
  const sum = ['ch-1', 'ch-2', 'ch-3']
    .map((id) => told.channels.find((c) => c.id === id)!.units!.p90[11]!)
    .reduce((a, b) => a + b);
  expect(enc1.units!.p90[11]).toBeCloseTo(sum);
  expect(told.channels[0]!.viewersHistory).toHaveLength(48);
  expect(enc1.unitsHistory.length).toBeGreaterThan(10);
});

test('forecasts without InfluxDB are empty and say so', async () => {
  api.swarm.silent.add('influxdb');
  const told = forecastsSchema.parse((await ask(`${api.url}/api/forecasts`)).body);
  expect(told.forecastId).toBeNull();
  expect(told.channels.every((c) => c.viewers === null)).toBe(true);
  expect(told.missing.map((m) => m.part)).toEqual(['influxdb']);
});

test('pages that listen share one poll, and none runs when they are gone', async () => {
  const listen = async (): Promise<{ events: () => number; close(): void }> => {
    const abort = new AbortController();
    const response = await fetch(`${api.url}/api/status/stream`, { signal: abort.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    void (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    return { events: () => text.split('event: status').length - 1, close: () => abort.abort() };
  };
  await status();
  const oneLook = api.swarm.calls;
  pastCache();
  const pages = await Promise.all([listen(), listen(), listen()]);
  const counts = (): number[] => pages.map((page) => page.events());
  const all = async (events: number): Promise<void> => {
    while (counts().some((count) => count < events)) await new Promise(setImmediate);
  };
  clock.advance(0);
  await all(1);
  for (const events of [2, 3]) {
    while (clock.waiting === 0) await new Promise(setImmediate);
    const before = api.swarm.calls;
    clock.advance(1_000);
    await all(events);
    expect(api.swarm.calls - before).toBeGreaterThan(0);
    expect(api.swarm.calls - before).toBeLessThanOrEqual(oneLook);
  }
  expect(counts()).toEqual([3, 3, 3]);
  for (const page of pages) page.close();
  // The look at which nobody listens any more is the last one.
  while (clock.waiting > 0) {
    clock.advance(1_000);
    await new Promise(setImmediate);
  }
  const quiet = api.swarm.calls;
  pastCache();
  expect(clock.waiting).toBe(0);
  expect(api.swarm.calls).toBe(quiet);
});
