import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OriginClient } from '../../src/contracts/origin';
import { channelWithDefaults } from '../../src/domain';
import { connectionsWithin } from '../../src/platform/open-files';
import { hardLimit } from '../../src/platform/process-limits';
import { PartProcess } from '../support/part-process';
import { freePort } from '../support/ports';

test('a limit is read by its name; what is unlimited, or not told, is no bound', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'process-limits-'));
  try {
    const file = join(folder, 'limits');
    await writeFile(
      file,
      [
        'Limit                     Soft Limit           Hard Limit           Units     ',
        'Max file size             unlimited            unlimited            bytes     ',
        'Max open files            1024                 4096                 files     ',
        'Max file locks            7                    7                    locks     ',
      ].join('\n'),
    );
    expect(hardLimit('open files', file)).toBe(4096);
    expect(hardLimit('file size', file)).toBe(Infinity);
    expect(hardLimit('address space', file)).toBe(Infinity);
    expect(hardLimit('open files', join(folder, 'absent'))).toBe(Infinity);
  } finally {
    await rm(folder, { recursive: true });
  }
  const GIB = 2 ** 30;
  expect(connectionsWithin(4096, 8 * GIB)).toBe(1024);
  expect(connectionsWithin(1_048_576, 8 * GIB)).toBe(16_384);
});

test('a crowd leaves an origin that may open few files those that it writes', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'few-open-files-'));
  const [port, playerPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    SWARM_STATE_DIR: stateDir,
    SWARM_ORIGIN_PORT: String(port),
    SWARM_PLAYER_PORT: String(playerPort),
  };
  const origin = new PartProcess('media/origin/main.ts', `${url}/healthz`, environment, [
    'prlimit',
    '--nofile=256:256',
  ]);
  const crowd: Socket[] = [];
  try {
    await origin.start();
    for (const to of [port, playerPort]) {
      for (let i = 0; i < 300; i += 1) {
        const socket = connect(to, '127.0.0.1');
        crowd.push(socket.on('error', () => undefined).resume());
        await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
      }
    }
    const client = new OriginClient(url);
    for (const id of ['ch-1', 'ch-2']) await client.register(channelWithDefaults(id));
    expect((await client.channels()).map(({ id }) => id)).toEqual(['ch-1', 'ch-2']);
  } finally {
    for (const socket of crowd) socket.destroy();
    await origin.end('SIGTERM');
    await rm(stateDir, { recursive: true, force: true });
  }
}, 30_000);

test('a program is given no more than this process may have, so that it starts under any account', () => {
  const runner = join(__dirname, '..', 'origin', 'support', 'run-typescript.cjs');
  const module = join(__dirname, '..', '..', 'src', 'platform', 'processes', 'confined.ts');
  const script = `console.log(require(${JSON.stringify(module)}).confined('node', []).args.join(' '))`;
  const asked = (...limits: string[]): string =>
    execFileSync('prlimit', [...limits, process.execPath, '-r', runner, '-e', script], { encoding: 'utf8' });
  expect(asked('--nofile=100:100')).toContain('--nofile=100 ');
  expect(asked('--nofile=1000:1000')).toContain('--nofile=256 ');
});
