import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtcdCluster } from '../../support/etcd';
import { freePort } from '../../support/ports';
import { untilAnswer } from '../../support/until';
import { LedgerServer } from './ledger-server';
import type { OriginClient } from './origin-client';
import { OriginProcess } from './origin-process';

/** Three origins as processes, each with a folder of its own, one etcd, and a relay's ledger beside them. */
export class OriginTrio {
  private constructor(
    readonly folder: string,
    readonly origins: readonly OriginProcess[],
    readonly relay: LedgerServer,
    readonly etcd: EtcdCluster,
  ) {}

  static async start(members = 1): Promise<OriginTrio> {
    const folder = await mkdtemp(join(tmpdir(), 'origin-trio-'));
    const [relay, etcd] = await Promise.all([new LedgerServer().start(), EtcdCluster.start(members)]);
    const ports: number[] = [];
    for (let i = 0; i < 3; i += 1) ports.push(await freePort());
    const peers = ports.map((port, i) => `origin-${i + 1}=http://127.0.0.1:${port}`).join(',');
    const origins: OriginProcess[] = [];
    for (const [i, port] of ports.entries())
      origins.push(
        await OriginProcess.create(join(folder, `${i + 1}`), relay.url, {
          SWARM_ORIGIN_PORT: String(port),
          SWARM_ORIGIN_NAME: `origin-${i + 1}`,
          SWARM_ORIGIN_PEERS: peers,
          SWARM_OWNERSHIP_STORE: etcd.setting,
          SWARM_LOG_LEVEL: process.env.TEST_LOG ?? 'fatal',
        }),
      );
    const trio = new OriginTrio(folder, origins, relay, etcd);
    await Promise.all(origins.map((origin) => origin.start()));
    return trio;
  }

  client(i: number): OriginClient {
    return this.origins[i]!.client;
  }

  /** Folder of an origin's channels. */
  folderOf(i: number): string {
    return join(this.folder, `${i + 1}`, 'origin');
  }

  /** Waits until an origin has the channel's ledger up to a GOP, exclusive. */
  async caughtUp(i: number, channel: string, endGop: number, limitMs?: number): Promise<void> {
    await untilAnswer(
      `origin ${i + 1} has GOPs up to ${endGop}`,
      async () => {
        const ledger = await this.client(i)
          .ledger(channel)
          .catch(() => []);
        return Array.isArray(ledger) ? ledger.map(({ gop }) => gop) : [];
      },
      (gops) => gops.at(-1) === endGop - 1,
      limitMs,
    );
  }

  async stop(): Promise<void> {
    for (const origin of this.origins) origin.signal('SIGCONT');
    await Promise.all(this.origins.map((origin) => origin.end('SIGKILL')));
    await Promise.all([this.relay.stop(), this.etcd.stop()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}
