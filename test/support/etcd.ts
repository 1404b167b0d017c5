import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtcdGateway } from '../../src/media/ownership-store';
import { findOrInstallEtcd } from '../../src/setup';
import { freePort } from './ports';
import { suspend } from './suspend';
import { until } from './until';

/** A real etcd of some members, each a process with a folder of its own. */
export class EtcdCluster {
  private readonly children: (ChildProcess | undefined)[] = [];

  private constructor(
    readonly folder: string,
    private readonly program: string,
    private readonly ports: readonly { client: number; peer: number }[],
  ) {}

  static async start(members = 1): Promise<EtcdCluster> {
    const ports = [];
    for (let i = 0; i < members; i += 1) ports.push({ client: await freePort(), peer: await freePort() });
    const { path } = await findOrInstallEtcd({ env: process.env, progress: () => undefined });
    const cluster = new EtcdCluster(await mkdtemp(join(tmpdir(), 'etcd-test-')), path, ports);
    for (let i = 0; i < members; i += 1) cluster.run(i);
    const gateway = new EtcdGateway(cluster.urls);
    await until('etcd answers', () =>
      gateway.get('/').then(
        () => true,
        () => false,
      ),
    );
    return cluster;
  }

  get urls(): string[] {
    return this.ports.map(({ client }) => `http://127.0.0.1:${client}`);
  }

  /** For SWARM_OWNERSHIP_STORE. */
  get setting(): string {
    return `etcd://${this.ports.map(({ client }) => `127.0.0.1:${client}`).join(',')}`;
  }

  /** Starts a member, also one that was killed. */
  run(i: number): void {
    const { client, peer } = this.ports[i]!;
    const url = (port: number): string => `http://127.0.0.1:${port}`;
    const cluster = this.ports.map((p, at) => `m${at}=${url(p.peer)}`).join(',');
    const child = spawn(
      this.program,
      [
        ...['--name', `m${i}`, '--data-dir', join(this.folder, `m${i}`), '--log-level', 'error'],
        ...['--listen-client-urls', url(client), '--advertise-client-urls', url(client)],
        ...['--listen-peer-urls', url(peer), '--initial-advertise-peer-urls', url(peer)],
        ...['--initial-cluster', cluster, '--heartbeat-interval', '100', '--election-timeout', '1000'],
      ],
      { stdio: 'ignore' },
    );
    this.children[i] = child;
  }

  async kill(i: number): Promise<void> {
    const child = this.children[i];
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Stops one that runs; it takes connections, and never answers. */
  async suspend(i: number): Promise<void> {
    await suspend(this.children[i]!.pid!);
  }

  /** Has one that was stopped go on. */
  resume(i: number): void {
    this.children[i]?.kill('SIGCONT');
  }

  /** Which member leads, as one of them says. */
  async leader(): Promise<number> {
    for (const [i, url] of this.urls.entries()) {
      const answer = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' })
        .then((response) => response.json() as Promise<{ leader: string; header: { member_id: string } }>)
        .catch(() => null);
      if (answer && answer.leader === answer.header.member_id) return i;
    }
    throw new Error('No member of etcd leads.');
  }

  async stop(): Promise<void> {
    await Promise.all(this.ports.map((_, i) => this.kill(i)));
    await rm(this.folder, { recursive: true, force: true });
  }
}
