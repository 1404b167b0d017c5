import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { entryOf } from '../../src/launch/part-list';
import type { RunningSwarm } from '../../src/launch/swarm';
import type { DamageTarget, SecondTarget } from './faults';
import { stopProcess } from './processes';

/** Faults of the state folder: a file that can't be read, and a second process on it. */

const GARBAGE = '{"what":"a disk made of it","tok';
const STAND_STILL_LIMIT_MS = 2_000;
/** A process that is refused ends once it has loaded; the machine is busy. */
const REFUSED_WITHIN_MS = 30_000;

const START_PROGRAM = entryOf('cli').replace(/main\.js$/, 'start.js');

type End = () => Promise<void>;

export interface Damage {
  channelId: string;
  /** Puts right what does not heal by itself. */
  end: End;
}

const recordsOf: Record<DamageTarget, (stateDir: string) => Promise<{ channelId: string; file: string }[]>> =
  {
    origin: async (stateDir) => {
      const folder = join(stateDir, 'origin');
      const entries = await readdir(folder, { recursive: true });
      return entries.flatMap((path) => {
        const [, channelId] = /^([^/]+)\/channel\.json$/.exec(path) ?? [];
        return channelId === undefined || channelId.includes('.aside')
          ? []
          : [{ channelId, file: join(folder, path) }];
      });
    },
    relay: async (stateDir) => {
      const folder = join(stateDir, 'relay');
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
      return names.map((name) => ({ channelId: name.slice(0, -'.json'.length), file: join(folder, name) }));
    },
  };

const standsStill = async (pid: number): Promise<void> => {
  const endMs = performance.now() + STAND_STILL_LIMIT_MS;
  const state = (): string =>
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .slice(0, 1);
  while (state() !== 'T') {
    if (performance.now() > endMs) throw new Error(`process ${pid} does not stand still`);
    await sleep(10);
  }
};

/** Spoils the record of one channel while the part stands still, and kills it: the file is read at its next start. */
export const damageRecord = async (options: {
  target: DamageTarget;
  stateDir: string;
  choice: number;
  pidOf: () => number | undefined;
}): Promise<Damage> => {
  const { target, stateDir, choice, pidOf } = options;
  const pid = pidOf();
  if (pid === undefined) throw new Error(`${target} is not running`);
  const goOn = stopProcess(pid, false);
  let damaged: { channelId: string; file: string };
  let before: string;
  try {
    await standsStill(pid);
    const records = await recordsOf[target](stateDir);
    const chosen = records[Math.floor(choice * records.length)];
    if (!chosen) throw new Error(`${target} keeps no channel`);
    damaged = chosen;
    before = await readFile(damaged.file, 'utf8');
    await writeFile(damaged.file, GARBAGE);
  } catch (error) {
    goOn();
    throw error;
  }
  process.kill(pid, 'SIGKILL');
  return {
    channelId: damaged.channelId,
    end: async () => {
      // The relay sets it aside and goes on by itself. The origin guesses no token: a person puts the file back.
      if (target !== 'origin') return;
      const now = await readFile(damaged.file, 'utf8').catch(() => null);
      if (now !== GARBAGE) throw new Error(`the origin changed the damaged ${damaged.file}`);
      await writeFile(damaged.file, before);
      const current = pidOf();
      if (current !== undefined) process.kill(current, 'SIGKILL');
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

/**
 * Starts a second process on the state folder, which must be refused.
 * @returns waits for its end; @throws Error where it was not refused, or for another reason
 */
export const startSecond = async (
  target: SecondTarget,
  { environment }: Pick<RunningSwarm, 'environment'>,
  withinMs = REFUSED_WITHIN_MS,
): Promise<End> => {
  const { SWARM_STATE_DIR: stateDir } = environment;
  const port = await freePort();
  const part = `media/${target}`;
  const args = target === 'swarm' ? [START_PROGRAM, '--state-dir', stateDir] : [entryOf(part)];
  const child = spawn(process.execPath, args, {
    env: {
      ...process.env,
      SWARM_STATE_DIR: stateDir,
      SWARM_HOST: '127.0.0.1',
      SWARM_RELAY_URL: environment.SWARM_RELAY_URL,
      SWARM_ORIGIN_URL: environment.SWARM_ORIGIN_URL,
      [`SWARM_${target.toUpperCase()}_PORT`]: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const late = AbortSignal.timeout(withinMs);
  late.addEventListener('abort', () => child.kill('SIGKILL'));
  return async () => {
    const code = await ended;
    const isRefused = code === 1 && /is in use by|runs on .* already/.test(said);
    if (!isRefused)
      throw new Error(`a second ${target} was not refused, it ended with ${code}: ${said.slice(-300)}`);
  };
};
