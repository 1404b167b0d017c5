import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { startOrigin } from '../../src/media/origin';
import { OriginClient } from './support/origin-client';

test('a client that posts nonsense does not fill the log', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'origin-test-'));
  let logged = '';
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      logged += String(chunk);
      done();
    },
  });
  const log = pino({}, sink);
  const relayUrl = 'http://127.0.0.1:9';
  const origin = await startOrigin({ host: '127.0.0.1', port: 0, stateDir, relayUrl, log });
  try {
    const client = new OriginClient(`http://127.0.0.1:${origin.port}`);
    await client.register('ch-1');
    const path = `/channels/ch-1/own?q=${'x'.repeat(8_000)}`;
    for (let i = 0; i < 200; i += 1) expect((await client.call('POST', path, {})).status).toBe(400);
    const refusals = logged.split('\n').filter((line) => line.includes('"bad-request"'));
    expect(refusals.length).toBeGreaterThanOrEqual(20);
    // One more for each second that the requests took.
    expect(refusals.length).toBeLessThan(100);
    for (const line of refusals) expect(line.length).toBeLessThan(1_000);
  } finally {
    await origin.stop();
    await rm(stateDir, { recursive: true });
  }
});
