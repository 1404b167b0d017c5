import { chmod, chown, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SwarmError } from '../../src/domain';
import type { PartOptions } from '../../src/platform/processes/part-process';
import { explainFailure, runCommand } from '../../src/setup';
import { childrenOf } from '../lib/kills';
import { DATABASE_USER } from './server-config';

const COMMAND_LIMIT_MS = 60_000;
const READY_POLL_MS = 200;

/** PostgreSQL refuses to run as root: the account that its processes get then. */
interface Account {
  uid: number;
  gid: number;
}

const ACCOUNTS = ['postgres', 'nobody'];

const idOf = async (option: '-u' | '-g', account: string): Promise<number | null> => {
  const result = await runCommand('id', [option, account], { env: process.env, timeoutMs: COMMAND_LIMIT_MS });
  return result.ok ? Number(result.lastLines[0]) : null;
};

const accountFor = async (): Promise<Account | null> => {
  if (process.getuid?.() !== 0) return null;
  for (const account of ACCOUNTS) {
    const [uid, gid] = [await idOf('-u', account), await idOf('-g', account)];
    if (uid !== null && gid !== null) return { uid, gid };
  }
  throw new SwarmError('unavailable', `There is no account ${ACCOUNTS.join(' or ')} to run PostgreSQL as.`);
};

/** A PostgreSQL server with its data in one folder, on this machine alone, run as another account than root. */
export class Database {
  private constructor(
    private readonly binDir: string,
    readonly folder: string,
    private readonly port: number,
    private readonly account: Account | null,
  ) {}

  /**
   * Prepares the server; its data stays as it is where it was made before.
   * @param options.password of DATABASE_USER, who may do everything
   * @throws SwarmError unavailable with what initdb said
   */
  static async prepare(options: {
    binDir: string;
    folder: string;
    port: number;
    password: string;
  }): Promise<Database> {
    const { binDir, folder, port, password } = options;
    const account = await accountFor();
    const database = new Database(binDir, folder, port, account);
    if (await stat(join(folder, 'PG_VERSION')).catch(() => null)) return database;
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o700);
    if (account) {
      await chown(folder, account.uid, account.gid);
      // Folders of mkdtemp are closed to all others.
      await chmod(dirname(folder), 0o711);
    }
    const passwordFile = `${folder}.password`;
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (account) await chown(passwordFile, account.uid, account.gid);
    try {
      await database.run('initdb', [
        ...['--pgdata', folder, '--username', DATABASE_USER, '--pwfile', passwordFile],
        ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-locale'],
      ]);
    } finally {
      await rm(passwordFile);
    }
    return database;
  }

  /** For a process that is supervised. Everything is forced to disk before it is acknowledged, as in production. */
  get part(): Pick<PartOptions, 'command' | 'args' | 'awaitReady' | 'stopLimitMs'> {
    const [command, args] = this.asAccount('postgres', [
      ...['-D', this.folder, '-p', String(this.port), '-h', '127.0.0.1'],
      ...['-c', `unix_socket_directories=${this.folder}`],
    ]);
    return { command, args, awaitReady: (signal) => this.untilReady(signal), stopLimitMs: 6_000 };
  }

  /** Ends the server and all processes that it made with SIGKILL, as a power cut would. */
  static kill(pid: number): void {
    const children = childrenOf(pid);
    for (const each of [pid, ...children]) {
      try {
        process.kill(each, 'SIGKILL');
      } catch {
        // It followed the first one.
      }
    }
  }

  private async untilReady(signal: AbortSignal): Promise<void> {
    const args = ['-h', '127.0.0.1', '-p', String(this.port), '-q'];
    for (;;) {
      const result = await runCommand(join(this.binDir, 'pg_isready'), args, {
        env: process.env,
        timeoutMs: COMMAND_LIMIT_MS,
      });
      if (result.ok) return;
      await sleep(READY_POLL_MS, undefined, { signal });
    }
  }

  private asAccount(program: string, args: string[]): [string, string[]] {
    const { account, binDir } = this;
    const path = join(binDir, program);
    if (!account) return [path, args];
    const become = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
    return ['setpriv', [...become, path, ...args]];
  }

  private async run(program: string, given: string[]): Promise<void> {
    const [command, args] = this.asAccount(program, given);
    const options = { env: process.env, timeoutMs: COMMAND_LIMIT_MS, cwd: '/' };
    const result = await runCommand(command, args, options);
    if (!result.ok) throw new SwarmError('unavailable', `${program}: ${explainFailure(result)}.`);
  }
}
