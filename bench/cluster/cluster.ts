import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { SwarmError } from '../../src/domain';
import { TEMPORAL_HEALTH_SERVICE } from '../../src/launch/temporal-server';
import { PartProcess, type PartOptions } from '../../src/platform/processes/part-process';
import { awaitGrpcServing, awaitPort } from '../../src/platform/processes/readiness';
import { loadOrCreateSecret } from '../../src/platform/secret-file';
import { explainFailure, runCommand, type ClusterPrograms, type FoundPostgres } from '../../src/setup';
import { grpcStatus, isGrpc } from '../../src/temporal/grpc-status';
import { Database } from './database';
import type { Kill } from './kill-plan';
import type { ClusterLayout, RoleHost } from './layout';
import { DATABASES, DATABASE_USER, serverConfig } from './server-config';

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 4_000;
/** What ended starts again after so long, as under a supervisor without patience. */
const RESTART_DELAY_MS = 1_000;
const SCHEMA_LIMIT_MS = 120_000;
const NAMESPACE_KNOWN_WITHIN_MS = 60_000;
const RETENTION_SECONDS = 86_400;
const POLL_MS = 300;

export interface ClusterSettings {
  folder: string;
  layout: ClusterLayout;
  programs: ClusterPrograms;
  postgres: FoundPostgres;
  say: (line: string) => void;
}

/** A Temporal cluster of this machine: each role a process, PostgreSQL below. What ends by itself is started again. */
export class Cluster {
  private readonly parts = new Map<string, PartProcess>();

  private constructor(private readonly settings: ClusterSettings) {}

  /** @throws SwarmError unavailable with what could not be started; nothing keeps running then */
  static async start(settings: ClusterSettings): Promise<Cluster> {
    const cluster = new Cluster(settings);
    try {
      await cluster.startAll();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get address(): string {
    return this.settings.layout.address;
  }

  /** Waits until every process works. */
  async untilWhole(limitMs: number): Promise<void> {
    const deadline = Date.now() + limitMs;
    const away = (): string[] =>
      [...this.parts.values()].filter(({ state }) => state !== 'running').map(({ name }) => name);
    while (away().length > 0) {
      if (Date.now() > deadline)
        throw new SwarmError(
          'unavailable',
          `${away().join(', ')} did not come back within ${limitMs / 1_000} s.`,
        );
      await sleep(POLL_MS);
    }
  }

  /** Makes a namespace, and waits until the cluster takes calls for it. One that is there is left alone. */
  async makeNamespace(namespace: string): Promise<void> {
    const connection = await Connection.connect({ address: this.address });
    try {
      await connection.workflowService
        .registerNamespace({
          namespace,
          workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
        })
        .catch((error: unknown) => {
          if (!isGrpc(error, grpcStatus.ALREADY_EXISTS)) throw error;
        });
      const deadline = Date.now() + NAMESPACE_KNOWN_WITHIN_MS;
      const list = () => connection.workflowService.listWorkflowExecutions({ namespace, query: '' });
      while (!(await list().catch(() => null))) {
        if (Date.now() > deadline)
          throw new SwarmError('unavailable', `Namespace ${namespace} is not known.`);
        await sleep(POLL_MS);
      }
    } finally {
      await connection.close();
    }
  }

  /**
   * Ends a process with SIGKILL. @returns its name; null while it does not run
   */
  kill({ victim, host }: Pick<Kill, 'host'> & { victim: Exclude<Kill['victim'], 'worker'> }): string | null {
    const name = victim === 'history' ? `history-${host}` : victim;
    const part = this.parts.get(name);
    if (part?.state !== 'running' || part.pid === null) return null;
    if (victim === 'database') Database.kill(part.pid);
    else process.kill(part.pid, 'SIGKILL');
    return name;
  }

  async stop(): Promise<void> {
    const database = this.parts.get('database');
    await Promise.all(
      [...this.parts.values()].filter((part) => part !== database).map((part) => part.stop()),
    );
    await database?.stop();
  }

  killNow(): void {
    for (const part of this.parts.values()) part.killNow();
  }

  private async startAll(): Promise<void> {
    const { folder, layout, postgres } = this.settings;
    await mkdir(join(folder, 'logs'), { recursive: true });
    const password = await loadOrCreateSecret(join(folder, 'database.secret'));
    const database = await Database.prepare({
      ...{ binDir: postgres.binDir, folder: join(folder, 'database'), port: layout.databasePort, password },
    });
    await this.startPart('database', database.part);
    await this.makeTables(password);
    await this.writeConfig(password);
    // The first one writes into the database what cluster this is; two at once would both try.
    const [first, ...others] = layout.hosts;
    await this.startRole(first!);
    await Promise.all(others.map((host) => this.startRole(host)));
  }

  private async makeTables(password: string): Promise<void> {
    const { programs, layout } = this.settings;
    const env = { ...process.env, SQL_PASSWORD: password };
    const run = async (database: string, ...args: string[]): Promise<void> => {
      const all = [
        ...['--plugin', 'postgres12', '--endpoint', '127.0.0.1', '--port', String(layout.databasePort)],
        ...['--user', DATABASE_USER, '--database', database, ...args],
      ];
      const result = await runCommand(programs.sqlTool.path, all, { env, timeoutMs: SCHEMA_LIMIT_MS });
      if (!result.ok)
        throw new SwarmError('unavailable', `temporal-sql-tool ${args[0]}: ${explainFailure(result)}.`);
    };
    for (const [schema, database] of [
      ['temporal', DATABASES.main],
      ['visibility', DATABASES.visibility],
    ] as const) {
      // All three do nothing where it is done.
      await run(database, 'create-database');
      await run(database, 'setup-schema', '--version', '0.0').catch((error: Error) => {
        if (!/already/i.test(error.message)) throw error;
      });
      await run(database, 'update-schema', '--schema-name', `postgresql/v12/${schema}`);
    }
  }

  private async writeConfig(password: string): Promise<void> {
    const { folder, layout } = this.settings;
    const dynamicConfigFile = join(folder, 'dynamic.yaml');
    await writeFile(dynamicConfigFile, '# Nothing is tuned.\n{}\n');
    await mkdir(join(folder, 'config'), { recursive: true });
    for (const host of layout.hosts) {
      const text = serverConfig({ layout, host, password, dynamicConfigFile });
      await writeFile(join(folder, 'config', `${host.name}.yaml`), text, { mode: 0o600 });
    }
  }

  private startRole(host: RoleHost): Promise<void> {
    const { folder, programs } = this.settings;
    const { name, service, ip, grpcPort } = host;
    return this.startPart(name, {
      command: programs.server.path,
      args: [
        '--root',
        folder,
        '--config',
        'config',
        '--env',
        name,
        '--allow-no-auth',
        'start',
        '--service',
        service,
      ],
      awaitReady: (signal) =>
        service === 'frontend'
          ? awaitGrpcServing(`${ip}:${grpcPort}`, TEMPORAL_HEALTH_SERVICE, signal)
          : service === 'worker'
            ? Promise.resolve()
            : awaitPort(grpcPort, ip, signal),
      stopLimitMs: STOP_LIMIT_MS,
    });
  }

  private async startPart(
    name: string,
    own: Pick<PartOptions, 'command' | 'args' | 'awaitReady' | 'stopLimitMs'>,
  ): Promise<void> {
    const { folder, say } = this.settings;
    const part = new PartProcess({
      ...{
        name,
        env: process.env,
        logFile: join(folder, 'logs', `${name}.log`),
        readyLimitMs: READY_LIMIT_MS,
      },
      restartDelayMs: () => RESTART_DELAY_MS,
      onEvent: ({ text }) => say(text),
      onSpawned: () => undefined,
      onEnded: () => undefined,
      ...own,
    });
    this.parts.set(name, part);
    await part.start();
  }
}
