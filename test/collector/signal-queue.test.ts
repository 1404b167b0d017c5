import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import type { SentinelEvent } from '../../src/collector/sentinel';
import { SignalQueue, type SignalSender } from '../../src/collector/signal-queue';
import { until } from '../support/until';

const log = pino({ level: 'silent' });
const lost = (encoderId: string, atMs = Date.now()): SentinelEvent => ({
  signal: 'encoderLost',
  payload: { encoderId, evidence: 'test', atMs },
});
const idOf = (event: SentinelEvent): string => event.payload.encoderId;

test('connects on the first event only, and delivers in order, each once', async () => {
  const taken: string[] = [];
  let connections = 0;
  const queue = new SignalQueue(async () => {
    connections++;
    return { send: async (event) => void taken.push(idOf(event)), close: async () => undefined };
  }, log);
  expect(connections).toBe(0);
  for (const id of ['a', 'b', 'c']) queue.push(lost(id));
  await until('all three are taken', () => taken.length === 3);
  expect(taken).toEqual(['a', 'b', 'c']);
  expect(connections).toBe(1);
  expect(queue.status).toEqual({ delivered: 3, waiting: 0, dropped: 0 });
  await queue.close();
});

test('tries again until it is accepted, also when it could not connect', async () => {
  const taken: string[] = [];
  let failures = 0;
  const sender: SignalSender = {
    send: async (event) => {
      if (failures++ < 2) throw new Error('workflow not found');
      taken.push(idOf(event));
    },
    close: async () => undefined,
  };
  let refusals = 0;
  const queue = new SignalQueue(async () => {
    if (refusals++ < 1) throw new Error('no server');
    return sender;
  }, log);
  queue.push(lost('a'));
  queue.push(lost('b'));
  await until('both are taken', () => taken.length === 2);
  expect(taken).toEqual(['a', 'b']);
  await queue.close();
});

test('gives up what nobody took for two minutes, and the oldest of too many', async () => {
  let nowMs = 0;
  const queue = new SignalQueue(
    async () => {
      throw new Error('no server');
    },
    log,
    () => nowMs,
  );
  // What the wall clock says counts for nothing: it may have been set meanwhile.
  queue.push(lost('ancient', Date.now() - 86_400_000));
  await sleep(50);
  expect(queue.status).toEqual({ delivered: 0, waiting: 1, dropped: 0 });
  nowMs = 121_000;
  await until('the old one is dropped', () => queue.status.dropped === 1);
  expect(queue.status).toEqual({ delivered: 0, waiting: 0, dropped: 1 });
  for (let i = 0; i < 130; i++) queue.push(lost(`enc-${i}`));
  expect(queue.status).toMatchObject({ waiting: 100, dropped: 31 });
  await queue.close();
});

test('closes while it waits to try again', async () => {
  let closed = 0;
  const queue = new SignalQueue(
    async () => ({
      send: () => Promise.reject(new Error('not now')),
      close: async () => void closed++,
    }),
    log,
  );
  queue.push(lost('a'));
  await sleep(50);
  await queue.close();
  expect(closed).toBe(1);
  queue.push(lost('late'));
  expect(queue.status.waiting).toBe(1);
});
