import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SwarmError } from '../../src/domain';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { RelayUnderTest } from '../relay/relay-under-test';
import { SourceUnderTest } from './source-under-test';

const timing = { framesPerSecond: 25, gopDurationTicks: 180_000 };
const generated = { ...timing, input: { kind: 'generated' } };

let folder: string;
let relay: RelayUnderTest;
let source: SourceUnderTest;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'source-budgets-'));
  relay = await RelayUnderTest.start();
});
afterEach(async () => {
  await source.stop();
  await relay.stop();
  rmSync(folder, { recursive: true });
});

test('live inputs are taken on as long as there is memory to hold them; pictures that are drawn need none', async () => {
  source = await SourceUnderTest.start(relay.url, { memoryBytes: 16 * 2 ** 20 });
  const film = join(folder, 'film.ts');
  writeFileSync(film, makeClip('ffmpeg', { seconds: 4 }));
  const fromFile = { ...timing, input: { kind: 'url', url: film } };
  await source.put('film-1', fromFile);
  await source.put('film-2', fromFile);
  for (let i = 0; i < 2; i += 1) {
    await expect(source.put('film-3', fromFile)).rejects.toMatchObject({
      code: 'at-capacity-limit',
      hint: expect.stringContaining('SWARM_SOURCE_MEMORY_MIB'),
    });
    await source.restart();
  }
  await source.put('drawn', generated);
  // One that would become live stays as it was.
  await expect(source.put('drawn', fromFile)).rejects.toMatchObject({ code: 'at-capacity-limit' });
  expect((await source.list()).find(({ id }) => id === 'drawn')).toMatchObject({
    input: { kind: 'generated' },
  });
  await source.put('film-1', generated);
  await source.put('film-3', fromFile);
}, 60_000);

test('however many inputs are asked for at once, few are looked at at the same time', async () => {
  const ffprobe = join(folder, 'ffprobe');
  const running = join(folder, 'running');
  mkdirSync(running);
  // Notes how many run at that moment.
  const script = `#!/bin/sh\nmkdir ${running}/$$\nls ${running} | wc -l >> ${folder}/counts\nsleep 0.3\nrmdir ${running}/$$\nexit 1\n`;
  writeFileSync(ffprobe, script);
  chmodSync(ffprobe, 0o755);
  source = await SourceUnderTest.start(relay.url, { ffprobe });
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => {
      const spec = { ...timing, input: { kind: 'url', url: 'http://127.0.0.1:9/nothing' } };
      return source.put(`ch-${i}`, spec).catch((error: SwarmError) => error.code);
    }),
  );
  expect(new Set(answers)).toEqual(new Set(['input-not-video']));
  const counts = readFileSync(join(folder, 'counts'), 'utf8').trim().split('\n').map(Number);
  expect(counts).toHaveLength(30);
  expect(Math.max(...counts)).toBeLessThanOrEqual(8);
  expect(Math.max(...counts)).toBeGreaterThan(1);
}, 60_000);
