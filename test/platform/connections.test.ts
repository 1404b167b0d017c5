import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import express from 'express';
import pino from 'pino';
import { keepConnection, type WhenFull } from '../../src/platform/connections';
import { listen, type RunningServer } from '../../src/platform/http';

const MOST = 5;
let server: RunningServer;
const sockets: Socket[] = [];

const start = async (whenFull: WhenFull): Promise<void> => {
  const app = express();
  app.get('/fast', (_req, res) => void res.send('ok'));
  app.get('/kept', (req, res) => {
    keepConnection(req, 60_000);
    res.send('ok');
  });
  app.get('/endless', (_req, res) => void res.write('begun'));
  const routes = ['/fast', '/kept', '/endless'].map((path) => ({
    method: 'GET' as const,
    path,
    access: 'public' as const,
  }));
  const log = pino({ level: 'silent' });
  server = await listen(app, {
    ...{ host: '127.0.0.1', port: 0, routes, log, whenFull },
    limits: { maxConnections: MOST },
  });
};
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

/** A connection; with a path, on which that was asked and an answer began. */
const open = async (path?: string): Promise<Socket> => {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  if (path !== undefined) await ask(socket, path);
  return socket;
};
const ask = async (socket: Socket, path: string): Promise<void> => {
  const begun = once(socket, 'data', { signal: AbortSignal.timeout(5_000) });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await begun;
};
const opened = async (count: number, path?: string): Promise<Socket[]> => {
  const all: Socket[] = [];
  for (let i = 0; i < count; i += 1) all.push(await open(path));
  return all;
};
/** Those that were given up; the others are there still, which shows once these have closed. */
const expectGone = async (gone: Socket[], others: Socket[]): Promise<void> => {
  const closed = (socket: Socket): unknown =>
    socket.destroyed || once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
  await Promise.all(gone.map(closed));
  expect(others.map(({ destroyed }) => destroyed)).toEqual(others.map(() => false));
};

test('by default a newcomer finds no place', async () => {
  await start('newcomer-goes');
  const first = await opened(MOST, '/fast');
  await expectGone([await open()], first);
  for (const socket of first) await ask(socket, '/fast');
});

test.each<WhenFull>(['idlest-goes', 'slowest-goes'])(
  '%s: the one that has been idle for the longest makes room, and neither one at work nor one that is kept',
  async (whenFull) => {
    await start(whenFull);
    const [kept, busy] = [await open('/kept'), await open('/endless')];
    const [first, second, third] = (await opened(MOST - 2)) as [Socket, Socket, Socket];
    // Used again, it is not the idlest any more.
    await ask(first, '/fast');
    const newcomer = await open('/fast');
    await expectGone([second], [kept, busy, first, third, newcomer]);
    const crowd = await opened(20);
    await expectGone([first, third, newcomer, ...crowd.slice(0, -(MOST - 2))], [kept, busy]);
    await ask(kept, '/fast');
  },
);

test('idlest-goes: where all are at work, a newcomer finds no place', async () => {
  await start('idlest-goes');
  const working = await opened(MOST, '/endless');
  await expectGone([await open()], working);
});

test('slowest-goes: where all are at work, the one whose request began first makes room', async () => {
  await start('slowest-goes');
  const kept = await open('/kept');
  const [slowest, ...others] = (await opened(MOST - 1, '/endless')) as [Socket, ...Socket[]];
  const newcomer = await open('/fast');
  await expectGone([slowest], [kept, ...others, newcomer]);
});

test('where all are kept, a newcomer finds no place', async () => {
  await start('slowest-goes');
  const kept = await opened(MOST, '/kept');
  await expectGone([await open()], kept);
  for (const socket of kept) await ask(socket, '/fast');
});
