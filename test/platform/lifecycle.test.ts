import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..', '..');

const startPart = async (env: NodeJS.ProcessEnv = {}) => {
  const part = fork(join(__dirname, 'logging-part.ts'), {
    execArgv: ['-r', join(root, 'test', 'origin', 'support', 'run-typescript.cjs')],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, ...env },
  });
  await once(part, 'message');
  // It listens to signals once its start is over.
  part.send({ lines: 0, text: '' });
  await once(part, 'message');
  return part;
};

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends a part in order', async (signal) => {
  const part = await startPart();
  part.kill(signal);
  expect(await once(part, 'exit')).toEqual([0, null]);
});

test('what a part writes nobody else may write, whatever its umask', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'umask-'));
  const before = process.umask(0);
  try {
    const file = join(folder, 'written');
    const part = await startPart({ WRITE: file });
    part.kill('SIGTERM');
    await once(part, 'exit');
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  } finally {
    process.umask(before);
    await rm(folder, { recursive: true });
  }
});
