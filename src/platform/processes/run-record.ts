import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SwarmError } from '../../domain';
import { lockFolder, type FolderLock } from '../folder-lock';
import { identityOf, isAlive, signalGroup, type ProcessIdentity } from './process-identity';

const identitySchema = z.object({ pid: z.int().positive(), began: z.string() });
const recordSchema = z.object({
  supervisor: identitySchema,
  parts: z.record(z.string(), identitySchema),
});
type Run = z.infer<typeof recordSchema>;

const LEFTOVER_TERM_LIMIT_MS = 4_000;
const LEFTOVER_KILL_LIMIT_MS = 2_000;

const readRun = (file: string): Run | null => {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
};

const waitUntilGone = async (parts: ProcessIdentity[], limitMs: number): Promise<ProcessIdentity[]> => {
  const endMs = Date.now() + limitMs;
  let left = parts.filter(isAlive);
  while (left.length > 0 && Date.now() < endMs) {
    await sleep(50);
    left = left.filter(isAlive);
  }
  return left;
};

/** Ends the parts of a run whose supervisor was killed. SIGTERM first: databases close their files. */
const endLeftovers = async (run: Run): Promise<string[]> => {
  const leftovers = Object.entries(run.parts).filter(([, identity]) => isAlive(identity));
  for (const [, { pid }] of leftovers) signalGroup(pid, 'SIGTERM');
  const stubborn = await waitUntilGone(
    leftovers.map(([, identity]) => identity),
    LEFTOVER_TERM_LIMIT_MS,
  );
  for (const { pid } of stubborn) signalGroup(pid, 'SIGKILL');
  const immortal = await waitUntilGone(stubborn, LEFTOVER_KILL_LIMIT_MS);
  if (immortal.length > 0) {
    throw new SwarmError(
      'unavailable',
      `Process ${immortal.map((i) => i.pid).join(', ')} of an earlier run does not end.`,
      'End it, then start again.',
    );
  }
  return leftovers.map(([name, { pid }]) => `${name} (${pid})`);
};

/** The refusal where another swarm runs on the folder, by the record that it keeps there. */
const alreadyRuns = (stateDir: string, run: Run | null): SwarmError | undefined => {
  if (!run || !isAlive(run.supervisor)) return undefined;
  const { pid } = run.supervisor;
  return new SwarmError(
    'conflict',
    `A swarm runs on ${stateDir} already: process ${pid}.`,
    `Use it, stop it (Ctrl-C there, or kill ${pid}), or start another one with --state-dir and --port-base.`,
  );
};

/** `run.json` of a state folder: who runs the swarm there, and the processes that it started. */
export class RunRecord {
  private readonly parts: Record<string, ProcessIdentity> = {};

  private constructor(
    private readonly file: string,
    private readonly supervisor: ProcessIdentity,
    private readonly lock: FolderLock,
    /** Parts of an earlier, killed run that were ended now, as "name (pid)". */
    readonly endedLeftovers: string[],
  ) {}

  /**
   * Claims a state folder for this process; ends what a killed supervisor left running there.
   * @throws SwarmError conflict, with the pid, while another swarm runs on the folder
   */
  static async claim(stateDir: string): Promise<RunRecord> {
    await mkdir(stateDir, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      throw new SwarmError(
        'unavailable',
        `The state folder ${stateDir} can't be made: ${error.message}.`,
        'Give the folder to this user, or name another one with --state-dir.',
      );
    });
    const file = join(stateDir, 'run.json');
    const supervisor = identityOf(process.pid) ?? { pid: process.pid, began: '' };
    const lock = await lockFolder(stateDir, 'swarm').catch((error: unknown) => {
      throw alreadyRuns(stateDir, readRun(file)) ?? error;
    });
    const earlier = readRun(file);
    const running = alreadyRuns(stateDir, earlier);
    try {
      if (running) throw running;
      const ended = earlier ? await endLeftovers(earlier) : [];
      const record = new RunRecord(file, supervisor, lock, ended);
      record.save();
      return record;
    } catch (error) {
      await lock.release();
      if (error instanceof SwarmError) throw error;
      throw new SwarmError(
        'unavailable',
        `The state folder ${stateDir} can't be written: ${(error as Error).message}.`,
        'Give the folder to this user, or name another one with --state-dir.',
      );
    }
  }

  /** Notes a part's process. Written before anything else happens: the next start must find it. */
  add(name: string, pid: number): void {
    const identity = identityOf(pid);
    if (!identity) return;
    this.parts[name] = identity;
    this.save();
  }

  remove(name: string): void {
    if (!(name in this.parts)) return;
    delete this.parts[name];
    this.save();
  }

  /** Gives the folder free. */
  async release(): Promise<void> {
    rmSync(this.file, { force: true });
    await this.lock.release();
  }

  private save(): void {
    const run: Run = { supervisor: this.supervisor, parts: this.parts };
    writeFileSync(`${this.file}.new`, `${JSON.stringify(run, null, 2)}\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}
