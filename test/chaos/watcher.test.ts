import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Watcher } from '../../bench/chaos/watcher';
import { auditFence } from '../../bench/lib/fence-audit';
import { originChannel, relayChannel } from '../support/wire';
import { entry } from './facts';

const GOPS = 3;
let origin: Server;
let url: string;

/** An origin that takes its time to tell a ledger, and of one channel doesn't tell it. */
beforeEach(async () => {
  origin = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://origin');
    const [, , id, what] = pathname.split('/');
    if (id === undefined) {
      const channels = ['ch-1', 'broken'].map((name) => ({
        ...{ ...relayChannel({ openGop: GOPS }), ...originChannel({ id: name, nextGop: GOPS, owner: null }) },
      }));
      response.end(JSON.stringify(channels));
    } else if (id === 'broken' || what !== 'ledger') response.writeHead(500).end();
    else {
      const entries = Array.from({ length: GOPS }, (_, gop) => entry(gop));
      void sleep(100).then(() => response.end(JSON.stringify(entries)));
    }
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((resolve) => origin.close(resolve)));

test('two looks at once enter each GOP of the ledger once, also where that of another channel fails', async () => {
  const watcher = new Watcher({ originUrl: url, relayUrl: url });
  await Promise.all([watcher.poll(), watcher.poll()]);
  const seen = watcher.ledgers.get('ch-1') ?? [];
  expect(seen.map(({ gop }) => gop)).toEqual([0, 1, 2]);
  expect(auditFence('ch-1', seen)).toEqual([]);
});
