import { OriginClient } from '../../src/contracts/origin';
import { ReplicaClient } from '../../src/contracts/origin-replica';
import { RelayClient } from '../../src/contracts/relay';
import { etcdName } from '../../src/launch/replicas';
import type { RunningSwarm } from '../../src/launch/swarm';
import { pause } from '../../src/platform/retry';
import { stopProcess } from '../chaos/processes';
import { partsOf, signalOf, type Kind, type Roles } from './kinds';
import type { PublicGops } from './public-gops';

const ASK_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 250;
/** A part that is started again and again waits for up to 10 s. */
const WELL_WITHIN_MS = 90_000;
/** GOPs that every channel has to publish before a swarm counts as well again. */
const GOPS_AFTER = 2;

/** Has parts of a swarm of several origins die, and sees that they are back. */
export class Deaths {
  private readonly origins: readonly { name: string; url: string }[];
  private readonly relays: readonly { name: string; url: string }[];
  private readonly etcdUrls: readonly string[];

  constructor(
    private readonly swarm: RunningSwarm,
    private readonly channelIds: readonly string[],
    private readonly gops: PublicGops,
  ) {
    const { SWARM_ORIGIN_PEERS, SWARM_RELAY_PEERS, SWARM_OWNERSHIP_STORE } = swarm.environment;
    this.origins = SWARM_ORIGIN_PEERS;
    this.relays = SWARM_RELAY_PEERS;
    this.etcdUrls = SWARM_OWNERSHIP_STORE ?? [];
  }

  /** @returns who died, and what has those that were stopped go on */
  async begin(kind: Kind, random: () => number): Promise<{ parts: string[]; resume: () => void }> {
    const parts = partsOf(kind, await this.roles(), random);
    const pids = parts.map((part) => {
      const pid = this.swarm.pids()[part];
      if (pid === undefined) throw new Error(`${part} is not running`);
      return pid;
    });
    if (signalOf(kind) === 'SIGKILL') {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      return { parts, resume: () => undefined };
    }
    const stopped = pids.map((pid) => stopProcess(pid, false));
    return { parts, resume: () => stopped.forEach((goOn) => goOn()) };
  }

  /** Resolves once every part answers, every origin and relay has all that is public, and every channel has gone on. @throws Error */
  async untilWell(): Promise<void> {
    const goals = new Map(this.channelIds.map((id) => [id, this.gops.newest(id) + GOPS_AFTER]));
    const deadline = Date.now() + WELL_WITHIN_MS;
    for (;;) {
      const lacking = await this.lacking(goals);
      if (lacking === null) return;
      if (Date.now() > deadline) throw new Error(`not well again after ${WELL_WITHIN_MS} ms: ${lacking}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** What is not well yet; null: nothing. */
  private async lacking(goals: ReadonlyMap<string, number>): Promise<string | null> {
    for (const url of this.etcdUrls) if (!(await isOk(`${url}/health`))) return `etcd at ${url}`;
    for (const { name, url } of this.relays) {
      const channels = await new RelayClient(url).channels({ timeoutMs: 3 * ASK_WITHIN_MS }).catch(() => []);
      for (const [id, gop] of goals) if (!hasReached(gop, channels, id)) return `${id} at ${name}`;
    }
    for (const { name, url } of this.origins) {
      const channels = await new OriginClient(url).channels({ timeoutMs: 3 * ASK_WITHIN_MS }).catch(() => []);
      for (const [id, gop] of goals) {
        if (!hasReached(gop, channels, id)) return `${id} at ${name}`;
        if (!(await isOk(`${url}/hls/${id}/index.m3u8`))) return `${id} for players at ${name}`;
      }
    }
    return null;
  }

  private async roles(): Promise<Roles> {
    const led = await Promise.all(
      this.origins.map(async ({ name, url }) => {
        const client = new ReplicaClient(url);
        const leads = await Promise.all(
          this.channelIds.map((id) =>
            client.lead(id, { timeoutMs: ASK_WITHIN_MS }).then(
              (answer) => answer.leads,
              () => false,
            ),
          ),
        );
        return { name, channels: leads.filter(Boolean).length };
      }),
    );
    const [leading, ...others] = led.sort((a, b) => b.channels - a.channels);
    const leaders = await Promise.all(this.etcdUrls.map(isLeader));
    const at = leaders.indexOf(true);
    if (at < 0) throw new Error('no member of etcd leads');
    const members = this.etcdUrls.map((_, i) => etcdName(i));
    return {
      leadingOrigin: leading!.name,
      otherOrigins: others.map(({ name }) => name),
      etcdLeader: members[at]!,
      etcdFollowers: members.filter((_, i) => i !== at),
      relays: this.relays.map(({ name }) => name),
    };
  }
}

const hasReached = (gop: number, channels: readonly { id: string; nextGop: number }[], id: string): boolean =>
  (channels.find((channel) => channel.id === id)?.nextGop ?? -1) >= gop;

const isOk = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(ASK_WITHIN_MS) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.ok;
    },
    () => false,
  );

const isLeader = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(`${url}/v3/maintenance/status`, {
      ...{ method: 'POST', body: '{}', signal: AbortSignal.timeout(ASK_WITHIN_MS) },
    });
    const { leader, header } = (await response.json()) as { leader?: string; header: { member_id: string } };
    return leader === header.member_id;
  } catch {
    return false;
  }
};
