import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrowdProcess } from '../../bench/overload/crowd/crowd-process';
import { until } from '../support/until';

/** What a crowd asked of a server that stands in for the origin. */
let server: Server;
let url: string;
let asked: string[];
let connections: number;
beforeEach(async () => {
  asked = [];
  connections = 0;
  server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    if (req.url?.endsWith('index.m3u8')) res.end('#EXTM3U\n#EXTINF:1,\n7.ts?v=a\n');
    else if (req.url?.includes('.ts')) res.end('segment');
    // Waits and half-sent GOPs get no answer.
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('readers of playlists and segments ask from a process that weighs as much as any other', async () => {
  const crowd = await CrowdProcess.start({
    kind: 'reading',
    ...{ originUrl: url, playerUrl: url, channels: ['ch-1'], rendition: '144p' },
    ...{ playlistReaders: 5, segmentReaders: 5, everyMs: 50, seed: 1 },
  });
  expect(asked).toEqual([]);
  crowd.go();
  const segment = 'GET /hls/ch-1/144p/7.ts?v=a';
  await until('both are read again and again', () => asked.filter((each) => each === segment).length > 20);
  const report = await crowd.end();
  expect(new Set(asked)).toEqual(new Set(['GET /hls/ch-1/144p/index.m3u8', segment]));
  expect(report.failures).toBe(0);
  expect(report.requests).toBeGreaterThan(20);
  expect(report.niceness).toBe(getPriority());
  expect(report.cpuSeconds).toBeGreaterThan(0);
});

test('those who hold connections are there until they are told to go', async () => {
  const crowd = await CrowdProcess.start({
    kind: 'holding',
    ...{ originUrl: url, playerUrl: url },
    ...{ viewers: 20, waits: 10, halfPuts: 2, idle: 10 },
  });
  crowd.go();
  await until('all have come', () => connections === 42 && asked.length === 12);
  expect((await crowd.end()).connected).toEqual({ viewers: 20, strangers: 22 });
  expect(asked.filter((each) => each.includes('/wait?'))).toHaveLength(10);
  const open = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
  await until('all have gone', async () => (await open()) === 0);
});

test('what stands in for a crowd takes the share that it is given, and asks nothing', async () => {
  const control = await CrowdProcess.start({ kind: 'burning', cores: 0.2 });
  const beganAtMs = performance.now();
  control.go();
  await sleep(2_000);
  const { cpuSeconds, niceness } = await control.end();
  const cores = cpuSeconds / ((performance.now() - beganAtMs) / 1_000);
  // On a full machine it may get less.
  expect(cores).toBeGreaterThan(0.05);
  expect(cores).toBeLessThan(0.3);
  expect(niceness).toBe(getPriority());
  expect(asked).toEqual([]);
});
