import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { startOrigin, type OriginLimits, type OriginOptions } from '../../../src/media/origin';
import type { ServerLimits } from '../../../src/platform/http';
import { linkScheme } from '../../../src/platform/links/link-tls';
import { LedgerServer } from './ledger-server';
import { OriginClient } from './origin-client';

const execArgv = ['-r', join(__dirname, 'run-typescript.cjs')];

/** The thread that makes fragments, from the sources. */
export const packagingProgram = {
  path: join(__dirname, '../../../src/media/packaging/packaging-thread.ts'),
  execArgv,
};

/** The process that answers players, from the sources. */
const playersProgram = {
  path: join(__dirname, '../../../src/media/origin/player-process/main.ts'),
  execArgv,
};

type Further = Pick<OriginOptions, 'audience' | 'partialMs' | 'playKeysFolder' | 'players'>;

/** An origin on a free port with a state directory of its own, and a relay's ledger beside it. */
export class RunningOrigin {
  client!: OriginClient;
  /** Where players reach it. */
  playerUrl!: string;
  /** What it has logged. */
  readonly logged: string[] = [];
  private part: Awaited<ReturnType<typeof startOrigin>> | undefined;

  private constructor(
    readonly stateDir: string,
    readonly relay: LedgerServer,
    private readonly limits: Partial<OriginLimits>,
    private readonly serverLimits: Partial<ServerLimits>,
    private readonly listenPort: number,
    private readonly further: Further,
  ) {}

  static async start(
    limits: Partial<OriginLimits> = {},
    options: {
      parent?: string;
      serverLimits?: Partial<ServerLimits>;
      port?: number;
    } & Further = {},
  ): Promise<RunningOrigin> {
    const { parent = tmpdir(), serverLimits = {}, port = 0, ...further } = options;
    const stateDir = await mkdtemp(join(parent, 'origin-test-'));
    const ledger = await new LedgerServer().start();
    const origin = new RunningOrigin(stateDir, ledger, limits, serverLimits, port, further);
    await origin.begin();
    return origin;
  }

  async begin(): Promise<void> {
    this.part = await startOrigin({
      host: '127.0.0.1',
      port: this.listenPort,
      playerPort: 0,
      stateDir: this.stateDir,
      relayUrl: this.relay.url,
      log: pino({ level: 'debug' }, { write: (line: string) => this.note(line) }),
      limits: this.limits,
      serverLimits: this.serverLimits,
      ...this.further,
      ...{ packagingProgram, playersProgram },
    });
    this.client = new OriginClient(`${linkScheme()}://127.0.0.1:${this.part.port}`);
    this.playerUrl = `${linkScheme()}://127.0.0.1:${this.part.playerPort}`;
  }

  private note(line: string): void {
    this.logged.push(line);
    if (process.env.SWARM_LOG_LEVEL !== undefined) process.stderr.write(line);
  }

  async end(): Promise<void> {
    await this.part?.stop();
    this.part = undefined;
  }

  async restart(): Promise<void> {
    await this.end();
    await this.begin();
  }

  async stop(): Promise<void> {
    await this.end();
    await this.relay.stop();
    await rm(this.stateDir, { recursive: true, force: true });
  }
}
