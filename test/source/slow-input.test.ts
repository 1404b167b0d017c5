import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RelayUnderTest } from '../relay/relay-under-test';
import { until, untilAnswer } from '../support/until';
import { InputFiles, generatedSpec, picture, specOf } from './inputs';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

/** Longer than any wait of the source's for an answer that is not said to be one for a slow input. */
const SLOW_MS = 12_000;

let relay: RelayUnderTest;
let source: SourceUnderTest;
let files: InputFiles;
let server: Server;
/** What a request is answered with, and when. */
let answerWith: { path: string; afterMs: number };
startRelayAndSource('each', (r, s) => ([relay, source] = [r, s]));
beforeEach(async () => {
  files = await InputFiles.create();
  server = createServer((_, response) => {
    const { path, afterMs } = answerWith;
    const timer = setTimeout(() => response.end(readFileSync(path)), afterMs);
    response.on('close', () => clearTimeout(timer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await files.remove();
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.ts`;
const film = (): Promise<string> => files.make('film.ts', ...picture('160x90', 25, 20), '-g', '25');
const probes = (): string[] =>
  execFileSync('ps', ['-o', 'comm=', '--ppid', String(process.pid)])
    .toString()
    .split('\n')
    .filter((name) => name.trim() === 'ffprobe');

test('an input that answers after 12 s is taken on, named as not there yet, and comes on air', async () => {
  answerWith = { path: await film(), afterMs: SLOW_MS };
  expect(await source.put('slow', specOf(url()))).toMatchObject({ id: 'slow', state: 'opening' });
  // Once by ffprobe and once by ffmpeg.
  await untilAnswer(
    'the relay has its first GOP',
    () => relay.info('slow').catch(() => null),
    (channel) => (channel?.nextGop ?? 0) > 0,
    45_000,
  );
  expect(await source.list()).toMatchObject([{ id: 'slow', state: 'running' }]);
}, 70_000);

test('one that turns out to be no video says so, late', async () => {
  answerWith = { path: await files.write('notes.txt', Buffer.from('hello\n'.repeat(500))), afterMs: 9_000 };
  expect(await source.put('slow', specOf(url()))).toMatchObject({ state: 'opening' });
  const [channel] = await untilAnswer(
    'it is looked at',
    () => source.list(),
    ([c]) => c?.state === 'failed',
  );
  expect(channel).toMatchObject({ error: expect.stringContaining('holds nothing that ffmpeg reads') });
}, 40_000);

test('a slow one does not take the place of an input that is on air, and ends with its channel at once', async () => {
  answerWith = { path: await film(), afterMs: 60_000 };
  await source.put('same', generatedSpec);
  await expect(source.put('same', specOf(url()))).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('same keeps the one that it has'),
  });
  expect(await source.list()).toMatchObject([{ state: 'running', input: { kind: 'generated' } }]);
  await source.put('slow', specOf(url()));
  expect(probes()).toHaveLength(1);
  await source.remove('slow');
  await until('ffprobe has ended', () => probes().length === 0, 5_000);
}, 40_000);
