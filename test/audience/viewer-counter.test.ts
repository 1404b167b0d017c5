import { createHmac } from 'node:crypto';
import { AudienceMeter } from '../../src/audience';
import { ACTIVE_MS, ViewerCounter } from '../../src/audience/viewer-counter';

/** Numbers as they come of a hash: below 2^48, uniform. */
const hashed = (n: number): number =>
  createHmac('sha256', 'test').update(String(n)).digest().readUIntBE(0, 6);
const sighting = (viewer: number, atMs: number, more: object = {}) => ({
  ...{ channelId: 'ch-1', rendition: '180p', region: 'eu', viewer, atMs },
  ...more,
});
const total = (counter: ViewerCounter, atMs: number): number =>
  counter.counts(atMs).reduce((sum, { viewers }) => sum + viewers, 0);

test('a viewer counts once per channel, at the rendition asked for last, until 20 s after the last request', () => {
  const counter = new ViewerCounter();
  counter.saw(sighting(7, 0));
  counter.saw(sighting(7, 1_000));
  counter.saw(sighting(8, 1_000, { region: 'us' }));
  counter.saw(sighting(7, 2_000, { rendition: '360p' }));
  counter.saw(sighting(7, 2_000, { channelId: 'ch-2' }));
  expect(counter.counts(3_000)).toEqual([
    { channelId: 'ch-1', rendition: '180p', region: 'us', viewers: 1 },
    { channelId: 'ch-1', rendition: '360p', region: 'eu', viewers: 1 },
    { channelId: 'ch-2', rendition: '180p', region: 'eu', viewers: 1 },
  ]);
  expect(total(counter, 1_000 + ACTIVE_MS - 1)).toBe(3);
  expect(total(counter, 1_000 + ACTIVE_MS)).toBe(2);
  expect(counter.counts(2_000 + ACTIVE_MS)).toEqual([]);
});

test('a sound track beside a picture keeps the rendition; alone it has none', () => {
  const counter = new ViewerCounter();
  counter.saw(sighting(7, 0));
  counter.saw(sighting(7, 10, { rendition: null }));
  counter.saw(sighting(9, 10, { rendition: null }));
  expect(counter.counts(20).map(({ rendition, viewers }) => [rendition, viewers])).toEqual([
    [null, 1],
    ['180p', 1],
  ]);
});

test('with more viewers than are kept the sum stays right to a few per cent, and whole counts return', () => {
  const counter = new ViewerCounter(2_000);
  for (let n = 0; n < 50_000; n++) counter.saw(sighting(hashed(n), 0));
  // Standard error 1.2 / sqrt(1,000 to 2,000 kept): 2.7 to 3.8 %.
  expect(Math.abs(total(counter, 1) / 50_000 - 1)).toBeLessThan(0.12);
  expect(counter['tracked'].size).toBeLessThanOrEqual(2_000);

  // Most have gone: within two windows of requests every viewer counts as one again.
  for (let atMs = ACTIVE_MS; atMs <= 3 * ACTIVE_MS; atMs += 2_000) {
    for (let n = 0; n < 100; n++) counter.saw(sighting(hashed(n), atMs));
    counter.counts(atMs);
  }
  expect(total(counter, 3 * ACTIVE_MS)).toBe(100);
});

const viewer = (sessionId: string | null, address = '192.0.2.1', userAgent = 'player') => ({
  ...{ sessionId, address, userAgent },
});
const watched = { channelId: 'ch-1', rendition: '180p' };

test('session ids tell viewers behind one address from another; without them address and agent do', () => {
  const meter = new AudienceMeter();
  meter.saw(watched, viewer('a'), 'eu', 0);
  meter.saw(watched, viewer('b'), 'eu', 0);
  meter.saw(watched, viewer('a', '192.0.2.9', 'another'), 'eu', 0);
  meter.saw(watched, viewer(null), 'eu', 0);
  meter.saw(watched, viewer(null, '192.0.2.1', 'another'), 'eu', 0);
  expect(meter.counts(1)).toMatchObject([{ viewers: 4 }]);
});

test('a new salt neither doubles nor drops the audience, and the old one goes', () => {
  const salts: Buffer[] = [];
  const salt = () => {
    salts.push(Buffer.alloc(32, salts.length + 1));
    return salts.at(-1)!;
  };
  const meter = new AudienceMeter({ saltMs: 60_000, salt });
  for (let atMs = 0; atMs < 120_000; atMs += 4_000) {
    for (let n = 0; n < 50; n++) meter.saw(watched, viewer(`s${n}`), '', atMs);
    expect(meter.counts(atMs)).toEqual([{ ...watched, region: '', viewers: 50 }]);
  }
  expect(salts).toHaveLength(2);
  expect(meter['generations'].map((g) => g.salt)).toEqual([salts[1]]);
});

test('nobody can be found in memory: neither address nor session id is kept', () => {
  const meter = new AudienceMeter();
  meter.saw(watched, viewer('secret-session', '203.0.113.77', 'secret-agent'), 'eu', 0);
  const kept = JSON.stringify(meter['generations'].map((g) => [...g.counter['tracked']]));
  expect(kept).not.toMatch(/secret|203\.0/);
});
