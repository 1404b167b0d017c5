import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SwarmError } from '../../domain';
import { monotonicMs } from '../clock';
import { isDiskFull } from '../durable-file';
import { lockFolder, type FolderLock } from '../folder-lock';
import { RetriedWrite } from '../retried-write';
import { makeStateFolder } from '../state-folder';
import { identityOf, isAlive, signalGroup, type ProcessIdentity } from './process-identity';

const identitySchema = z.object({ pid: z.int().positive(), began: z.string() });
const recordSchema = z.object({
  supervisor: identitySchema,
  parts: z.record(z.string(), identitySchema),
  /** Where commands reach them; absent until it is known, and in records of releases before. */
  urls: z.object({ api: z.url(), relay: z.url() }).optional(),
});
type Run = z.infer<typeof recordSchema>;

/**
 * Room that the file takes up from the start, padded with spaces, for some thousand parts. It is overwritten in place:
 * that needs no room on a full disk.
 */
const RESERVED_BYTES = 64 * 1024;
/** What is written is a multiple of this: up to one of them (some 60 parts) a kill can't leave half of a write. */
const BLOCK_BYTES = 4_096;
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
  const endMs = monotonicMs() + limitMs;
  let left = parts.filter(isAlive);
  while (left.length > 0 && monotonicMs() < endMs) {
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

/** A swarm that runs on this machine: its supervisor, and those of its parts that live. */
export type RunningProcesses = Readonly<Run>;

/** Null where no supervisor lives that uses a state folder. */
export const runOn = (stateDir: string): RunningProcesses | null => {
  const run = readRun(join(stateDir, 'run.json'));
  if (!run || !isAlive(run.supervisor)) return null;
  const parts = Object.entries(run.parts).filter(([, identity]) => isAlive(identity));
  return { ...run, parts: Object.fromEntries(parts) };
};

/** Processes of a swarm that live and use a state folder, by its record: `supervisor (4711)`, `temporal (4712)`. */
export const runningOn = (stateDir: string): string[] => {
  const run = readRun(join(stateDir, 'run.json'));
  if (!run) return [];
  return Object.entries({ supervisor: run.supervisor, ...run.parts })
    .filter(([, identity]) => isAlive(identity))
    .map(([name, { pid }]) => `${name} (${pid})`);
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

/** @throws Error of the file system */
const writeWhole = (fd: number, bytes: Buffer): void => {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, done);
};

/** The refusal of a folder that can't be used as state; a refusal of ours stays as it is. */
export const stateFolderRefusal = (stateDir: string, what: string, error: unknown): SwarmError => {
  if (error instanceof SwarmError) return error;
  return new SwarmError(
    isDiskFull(error) ? 'storage-full' : 'unavailable',
    `The state folder ${stateDir} can't be ${what}: ${(error as Error).message}.`,
    isDiskFull(error)
      ? 'Make room there, or name another folder with --state-dir.'
      : 'Give the folder to this user, or name another one with --state-dir.',
  );
};

/** `run.json` of a state folder: who runs the swarm there, and the processes that it started. */
export class RunRecord {
  private readonly parts: Record<string, ProcessIdentity> = {};
  private urls: Run['urls'];
  private readonly saved = new RetriedWrite(() => this.write());
  /** Of the record in the file: a shorter one must cover it. Null: not known, so all is covered. */
  private writtenBytes: number | null = null;

  private constructor(
    private readonly file: string,
    private readonly supervisor: ProcessIdentity,
    private readonly lock: FolderLock,
    /** Parts of an earlier, killed run that were ended now, as "name (pid)". */
    readonly endedLeftovers: string[],
  ) {}

  /**
   * Claims a state folder for this process; ends what a killed supervisor left running there.
   * @throws SwarmError conflict, with the pid, while another swarm runs on the folder; storage-full; unavailable
   */
  static async claim(stateDir: string): Promise<RunRecord> {
    await makeStateFolder(stateDir).catch((error: unknown) => {
      throw stateFolderRefusal(stateDir, 'made', error);
    });
    const file = join(stateDir, 'run.json');
    const supervisor = identityOf(process.pid) ?? { pid: process.pid, began: '' };
    const lock = await lockFolder(stateDir, 'swarm').catch((error: unknown) => {
      throw alreadyRuns(stateDir, readRun(file)) ?? stateFolderRefusal(stateDir, 'locked', error);
    });
    const earlier = readRun(file);
    const running = alreadyRuns(stateDir, earlier);
    try {
      if (running) throw running;
      const ended = earlier ? await endLeftovers(earlier) : [];
      const record = new RunRecord(file, supervisor, lock, ended);
      record.write();
      return record;
    } catch (error) {
      await lock.release();
      throw stateFolderRefusal(stateDir, 'written', error);
    }
  }

  /**
   * Notes a part's process. Written before anything else happens: the next start must find it. Where the disk refuses,
   * it is written as soon as that is possible: the swarm goes on meanwhile.
   */
  add(name: string, pid: number): void {
    const identity = identityOf(pid);
    if (!identity) return;
    this.parts[name] = identity;
    this.saved.now();
  }

  remove(name: string): void {
    if (!(name in this.parts)) return;
    delete this.parts[name];
    this.saved.now();
  }

  /** Tells commands that name the folder where the swarm is reached. */
  reachedAt(urls: NonNullable<Run['urls']>): void {
    this.urls = urls;
    this.saved.now();
  }

  /** Gives the folder free. */
  async release(): Promise<void> {
    this.saved.cancel();
    rmSync(this.file, { force: true });
    await this.lock.release();
  }

  /** @throws Error of the file system */
  private write(): void {
    const run: Run = { supervisor: this.supervisor, parts: this.parts, urls: this.urls };
    const text = JSON.stringify(run);
    const fd = openSync(this.file, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const least = this.writtenBytes ?? Math.max(fstatSync(fd).size, RESERVED_BYTES);
      const blocks = Math.ceil(Math.max(text.length, least) / BLOCK_BYTES);
      this.writtenBytes = null;
      writeWhole(fd, Buffer.from(text.padEnd(blocks * BLOCK_BYTES)));
      this.writtenBytes = text.length;
    } finally {
      closeSync(fd);
    }
  }
}
