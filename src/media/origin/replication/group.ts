import type { OriginSpec } from '../../../contracts/origin';
import { ReplicaClient } from '../../../contracts/origin-replica';
import { SwarmError } from '../../../domain';
import { withinOrNull } from '../../../platform/deadline';
import type { Logger } from '../../../platform/logger';
import type { Held, OwnershipStore } from '../../ownership-store';
import { requireSameSpec } from '../channel-refusals';
import { newOwnership, removed } from '../ownership';
import { PeerWatch } from './peer-watch';
import type { SharedRecord } from './records';
import { Replica } from './replica';
import type { Peer, ReplicaChannel, ReplicaParts } from './settings';

/** How often the store is looked through for channels that came, went, or have another leader. */
const LOOK_MS = 1_000;
const MOST_TRIES = 5;
/** One that leads answers that at once; one that is stopped never does. */
const LEAD_TIMEOUT_MS = 1_000;
const SUSPECTED_MS = 2_000;
/** Whoever reads without deciding anything waits so long for the store. */
export const REFRESH_WITHIN_MS = 1_000;

/** Who shares the channels of this origin. */
export interface GroupOptions {
  /** Of this origin. */
  name: string;
  /** Of the other origins. */
  peers: readonly { name: string; url: string }[];
  store: OwnershipStore<SharedRecord>;
  log: Logger;
}

/** What is done here when the store shows something new. */
export interface GroupListener {
  /** A channel is on air. */
  onAir(channelId: string, held: Held<SharedRecord>): Promise<void>;
  /** A channel was removed; it may have been added again since the store was read. */
  offAir(channelId: string, held: Held<SharedRecord>): Promise<void>;
}

/** The origins that share channels, as one of them sees it. */
export class ReplicaGroup {
  readonly peers: readonly Peer[];
  private readonly replicas = new Map<string, Replica>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private storeAway = false;
  /** Channels that could not be taken up or dropped, with what was said of them last. */
  private readonly refused = new Map<string, string>();
  /** Until when a peer that did not answer is not asked, monotonic milliseconds. */
  private readonly suspects = new Map<Peer, number>();
  private readonly watches = new Map<Peer, PeerWatch>();

  constructor(private readonly options: GroupOptions) {
    this.peers = options.peers.map(({ name, url }) => ({ name, client: new ReplicaClient(url) }));
  }

  /** The replica of a channel that was loaded; its notes are read by whoever loads it. */
  replicaOf(channel: ReplicaChannel, here: Pick<ReplicaParts, 'keptRecords' | 'disk'>): Replica {
    const { name, store, log } = this.options;
    const parts: ReplicaParts = {
      ...{ name, peers: this.peers, store, log, ...here },
      leaderElsewhere: async () => (await this.leaderElsewhere(channel.id))?.name ?? null,
    };
    const replica = new Replica(channel, parts);
    this.replicas.set(channel.id, replica);
    return replica;
  }

  replica(channelId: string): Replica | undefined {
    return this.replicas.get(channelId);
  }

  get name(): string {
    return this.options.name;
  }

  /** The other origin that leads a channel; null if this one does, or none that answers. */
  async leaderElsewhere(channelId: string): Promise<Peer | null> {
    const replica = this.replicas.get(channelId);
    if (!replica || replica.leads) return null;
    const named = async (): Promise<Peer | null> => {
      const peer = this.peers.find(({ name }) => name === replica.leader);
      if (!peer || performance.now() < (this.suspects.get(peer) ?? 0)) return null;
      const signal = this.awaySignal(peer);
      if (signal.aborted) return null;
      try {
        return (await peer.client.lead(channelId, { timeoutMs: LEAD_TIMEOUT_MS, signal })).leads
          ? peer
          : null;
      } catch {
        this.suspect(peer);
        return null;
      }
    };
    const before = replica.leader;
    const leader = await named();
    if (leader) return leader;
    await replica.refresh();
    return replica.leader === before ? null : named();
  }

  /** Aborted as long as an origin does not answer small questions. */
  awaySignal(peer: Peer): AbortSignal {
    return this.watches.get(peer)?.signal ?? new AbortController().signal;
  }

  /** Does not ask an origin for a while whether it leads. */
  suspect(peer: Peer): void {
    this.suspects.set(peer, performance.now() + SUSPECTED_MS);
  }

  peer(name: string): Peer | undefined {
    return this.peers.find((peer) => peer.name === name);
  }

  async forget(channelId: string): Promise<void> {
    const replica = this.replicas.get(channelId);
    this.replicas.delete(channelId);
    await replica?.close();
  }

  /** @throws SwarmError unavailable */
  read(channelId: string): Promise<Held<SharedRecord> | undefined> {
    return this.options.store.read(channelId);
  }

  /** Puts a channel on air in the store. Idempotent. @throws SwarmError conflict if it is on air with other values */
  register(channelId: string, spec: OriginSpec): Promise<Held<SharedRecord>> {
    return this.replace(channelId, (known) => {
      if (known?.onAir) {
        requireSameSpec(channelId, known, spec);
        return known;
      }
      const before = known ?? { epoch: 0, life: 0, ownership: newOwnership() };
      const life = before.life + 1;
      return { ...before, ...spec, life, onAir: true, leader: null, decidedEpoch: 0 };
    });
  }

  /** Takes a channel off air in the store; its token is remembered there. Idempotent. */
  async remove(channelId: string): Promise<void> {
    if (!(await this.read(channelId))?.record.onAir) return;
    await this.replace(channelId, (known) => {
      if (!known?.onAir) return known!;
      const { ownership, epoch } = known;
      const fenced = { epoch: epoch + 1, leader: null, decidedEpoch: 0 };
      return { ...known, ...fenced, onAir: false, ownership: removed(ownership) };
    });
  }

  /** Looks at the store now and from time to time, and at the other origins, until it is stopped. Never throws. */
  async begin(listener: GroupListener): Promise<void> {
    for (const peer of this.peers) if (!this.watches.has(peer)) this.watches.set(peer, this.watchOf(peer));
    await this.look(listener);
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.begin(listener), LOOK_MS);
    this.timer.unref();
  }

  /** Reads all records of the store, if that answers soon. */
  async refreshSoon(): Promise<void> {
    const all = await withinOrNull(REFRESH_WITHIN_MS, this.options.store.readAll());
    for (const [id, held] of all ?? []) this.replicas.get(id)?.observe(held);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const watch of this.watches.values()) watch.end();
    await Promise.all([...this.replicas.values()].map((replica) => replica.close()));
  }

  private watchOf(peer: Peer): PeerWatch {
    const { log } = this.options;
    return new PeerWatch(peer, (isAway) =>
      log.info(
        { origin: peer.name },
        isAway ? 'another origin does not answer' : 'another origin answers again',
      ),
    );
  }

  private async look(listener: GroupListener): Promise<void> {
    const { log } = this.options;
    try {
      const all = await this.options.store.readAll();
      if (this.storeAway) log.info('the ownership store answers again');
      this.storeAway = false;
      for (const [id, held] of all) await this.tell(listener, id, held);
    } catch (error) {
      if (!this.storeAway) log.warn({ err: error }, 'the ownership store does not answer');
      this.storeAway = true;
    }
    // Each in its own time: one that is refilled takes a while.
    for (const replica of this.replicas.values()) void replica.catchUp();
  }

  /** One channel that can't be taken up keeps no other one waiting. */
  private async tell(listener: GroupListener, id: string, held: Held<SharedRecord>): Promise<void> {
    try {
      if (held.record.onAir) await listener.onAir(id, held);
      else if (this.replicas.has(id)) await listener.offAir(id, held);
      this.refused.delete(id);
    } catch (error) {
      const { message } = error as Error;
      if (this.refused.get(id) !== message)
        this.options.log.warn(
          { err: error, channel: id },
          'a channel that others share is not as it should be here',
        );
      this.refused.set(id, message);
    }
  }

  private async replace(
    channelId: string,
    change: (known: SharedRecord | undefined) => SharedRecord,
  ): Promise<Held<SharedRecord>> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const known = await this.read(channelId);
      const record = change(known?.record);
      if (known && record === known.record) return known;
      const version = await this.options.store.replace(channelId, record, known?.version ?? null);
      if (version !== null) return { record, version };
    }
    throw new SwarmError(
      'unavailable',
      `Channel ${channelId} is being changed by others at the same time.`,
      'Ask again.',
    );
  }
}
