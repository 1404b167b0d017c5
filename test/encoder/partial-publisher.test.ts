import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { PartialPublisher } from '../../src/media/encoder/partial-publisher';
import { until } from '../support/until';

/** Parts of segments at an origin that fails. */

const PARTIAL_TICKS = 45_000;
const WANTED = {
  owner: null,
  lowLatency: { partialTicks: PARTIAL_TICKS, open: null, captureToPartialMs: null },
};

let server: Server;
let answer: (req: IncomingMessage, res: ServerResponse) => void;
/** Parts that came, as `GOP.INDEX`. */
let put: string[];
/** From where to where parts were asked for. */
let taken: [number, number][];
let publisher: PartialPublisher;
let nextGop: number;

beforeEach(async () => {
  put = [];
  taken = [];
  nextGop = 1;
  server = createServer((req, res) => {
    const [, gop, index] = /gops\/(\d+)\/partials\/(\d+)$/.exec(req.url!) ?? [];
    if (gop !== undefined) put.push(`${gop}.${index}`);
    req.resume();
    answer(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  publisher.stop();
  server.closeAllConnections();
  server.close();
});

const start = (gopDurationTicks = 90_000): void => {
  const originUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  publisher = new PartialPublisher({
    ...{ to: { originUrl, channelId: 'ch-1', encoderId: 'enc-1', sessionId: 's' }, gopDurationTicks },
    ...{ nextGop: () => nextGop, cutsIn: () => [], log: pino({ level: 'silent' }) },
    takePartial: (gop, fromTicks, untilTicks) => {
      taken.push([fromTicks, untilTicks]);
      return { gop, untilTicks, run: 'r', segments: [{ name: '90p', segment: Buffer.from('x') }] };
    },
  });
  publisher.begin(1);
};
const json = (res: ServerResponse, body: object, status = 200): void => {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

test('an origin that could not be asked what it wants is asked again', async () => {
  const answers = [
    (res: ServerResponse): void => json(res, {}, 503),
    (res: ServerResponse): void => void res.destroy(),
    (res: ServerResponse): void => json(res, WANTED),
  ];
  answer = ({ method }, res) => (method === 'GET' ? answers.shift()?.(res) : json(res, {}, 201));
  start();
  await until('a part has come', () => put.length > 0);
  expect([put[0], answers]).toEqual(['1.0', []]);
});

test('where the beginning of the GOP is public, it goes on from there', async () => {
  const open = { gop: 1, token: 1, partials: 2, untilTicks: 1_080_000 };
  const wanted = { owner: null, lowLatency: { ...WANTED.lowLatency, open } };
  answer = ({ method }, res) => (method === 'GET' ? json(res, wanted) : json(res, {}, 201));
  start(900_000);
  await until('parts have come', () => put.length > 1);
  expect(put.slice(0, 2)).toEqual(['1.2', '1.3']);
  expect(taken.slice(0, 2)).toEqual([
    [1_080_000, 1_125_000],
    [1_125_000, 1_170_000],
  ]);
});

test('what is public of another GOP does not count', async () => {
  const open = { gop: 2, token: 1, partials: 2, untilTicks: 1_980_000 };
  const wanted = { owner: null, lowLatency: { ...WANTED.lowLatency, open } };
  answer = ({ method }, res) => (method === 'GET' ? json(res, wanted) : json(res, {}, 201));
  start(900_000);
  await until('a part has come', () => put.length > 0);
  expect([put[0], taken[0]]).toEqual(['1.0', [900_000, 945_000]]);
});

test('one that wants none is asked once', async () => {
  let asked = 0;
  answer = (_, res) => {
    asked += 1;
    json(res, { owner: null });
  };
  start();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect([asked, put]).toEqual([1, []]);
});

/** An origin at which the first part of GOP 1 gets stuck. */
const stuck = (req: IncomingMessage, res: ServerResponse): void => {
  if (req.method === 'GET') json(res, WANTED);
  else if (!req.url!.includes('/gops/1/')) json(res, {}, 201);
};

test('a part that is stuck is given up when its GOP is public', async () => {
  answer = stuck;
  start(900_000);
  await until('a part has come', () => put.length > 0);
  nextGop = 2;
  const beganAtMs = performance.now();
  publisher.notify();
  await until('parts of the next GOP have come', () => put.includes('2.1'));
  expect(performance.now() - beganAtMs).toBeLessThan(2_000);
  expect(put.filter((name) => name.startsWith('1.'))).toEqual(['1.0']);
});

test('and otherwise after as long as a GOP lasts', async () => {
  answer = stuck;
  start(90_000);
  await until('a part has come', () => put.length > 0);
  const beganAtMs = performance.now();
  nextGop = 2;
  await until('parts of the next GOP have come', () => put.includes('2.0'));
  expect(performance.now() - beganAtMs).toBeLessThan(3_000);
});
