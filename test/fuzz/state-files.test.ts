import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { z } from 'zod';
import { callJson } from '../../src/contracts/call';
import { mediaHealthSchema } from '../../src/contracts/health';
import { ledgerEntrySchema } from '../../src/contracts/origin';
import { relayChannelSchema } from '../../src/contracts/relay';
import { startOrigin } from '../../src/media/origin';
import { startRelay } from '../../src/media/relay';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { RunningOrigin } from '../origin/support/running-origin';
import { asGop, encodeGops, type EncodedGop } from '../origin/support/segments';
import { RelayUnderTest } from '../relay/relay-under-test';
import fc from '../support/fast-check';
import { fuzz, spoiler } from './fuzz';

const log = pino({ level: 'silent' });

/** Copies a state, spoils one file of it, and gives it to a start. */
const withSpoilt = async (
  pristine: string,
  file: string,
  spoilIt: (bytes: Buffer) => Buffer,
  start: (stateDir: string) => Promise<void>,
): Promise<void> => {
  const stateDir = await mkdtemp(join(tmpdir(), 'spoilt-state-'));
  try {
    await cp(pristine, stateDir, { recursive: true });
    const path = join(stateDir, file);
    await writeFile(path, spoilIt(await readFile(path)));
    await start(stateDir);
  } finally {
    await rm(stateDir, { recursive: true });
  }
};

it('an origin whose files are spoilt starts with what is whole, and says which file is damaged', async () => {
  const origin = await RunningOrigin.start();
  const { client } = origin;
  const [pattern] = (await encodeGops(1, '128x72')) as [EncodedGop];
  await client.register('ch-1');
  await client.register('ch-2');
  await client.own('ch-1', 0, 'a', 0);
  for (let gop = 0; gop < 3; gop++) {
    const { segment, ptsTicks } = asGop(pattern, 0, gop);
    origin.relay.ptsTicksByGop.set(gop, ptsTicks);
    await client.put('ch-1', gop, 1, 'a', { '144p': segment });
  }
  await origin.end();
  const files = ['channel.json', 'ledger.jsonl', 'gops/1.ts'].map((name) => join('origin', 'ch-1', name));
  await fuzz(
    fc.tuple(fc.constantFrom(...files), spoiler),
    ([file, spoilIt]) =>
      withSpoilt(origin.stateDir, file, spoilIt, async (stateDir) => {
        const where = { host: '127.0.0.1', port: 0, stateDir, relayUrl: 'http://127.0.0.1:9' };
        const part = await startOrigin({ ...where, log });
        const url = `http://127.0.0.1:${part.port}`;
        expect((await fetch(`${url}/channels/ch-2`)).status).toBe(200);
        const { damaged } = await callJson(`${url}/healthz`, mediaHealthSchema);
        for (const { message } of damaged) expect(message).toContain('channel.json');
        const ledger = await callJson(`${url}/channels/ch-1/ledger`, z.array(ledgerEntrySchema)).catch(
          () => [],
        );
        ledger.forEach(({ gop }, i) => expect(gop).toBe(ledger[0]!.gop + i));
        const playlist = await fetch(`${url}/hls/ch-1/144p/index.m3u8?window_s=900`);
        expect(damaged.length > 0 ? [503] : [200, 404]).toContain(playlist.status);
        await part.stop();
      }),
    { share: 0.5 },
  );
  await origin.stop();
});

it('a relay whose files are spoilt starts with what is whole, and says which file is damaged', async () => {
  const relay = await RelayUnderTest.start();
  await relay.put('ch-1', 90_000);
  await relay.put('ch-2', 90_000);
  await relay.contribute('ch-1', makeClip('ffmpeg', { seconds: 4 }));
  await relay.pause();
  const files = ['ch-1.json', join('ch-1', 'media', '000000000000.gops')].map((name) => join('relay', name));
  await fuzz(
    fc.tuple(fc.constantFrom(...files), spoiler),
    ([file, spoilIt]) =>
      withSpoilt(relay.stateDir, file, spoilIt, async (stateDir) => {
        const part = await startRelay({ host: '127.0.0.1', port: 0, stateDir, log });
        const url = `http://127.0.0.1:${part.port}`;
        expect((await fetch(`${url}/channels/ch-2`)).status).toBe(200);
        const { damaged } = await callJson(`${url}/healthz`, mediaHealthSchema);
        for (const { message } of damaged) expect(message).toContain('ch-1.json');
        const gopDurationTicks = 90_000;
        if (damaged.length > 0)
          await callJson(`${url}/channels/ch-1`, relayChannelSchema, {
            method: 'PUT',
            json: { gopDurationTicks },
          });
        const { nextGop, oldestGop } = await callJson(`${url}/channels/ch-1`, relayChannelSchema);
        // Numbers that were spoilt to other numbers can't be told from sound ones; what is read is consistent.
        if (oldestGop !== null) expect(nextGop).toBeLessThanOrEqual(3);
        await part.stop();
      }),
    { share: 0.5 },
  );
  await relay.resume();
  await relay.stop();
});
