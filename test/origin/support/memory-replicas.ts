import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pino from 'pino';
import { unpackGop, type ReplicaClient } from '../../../src/contracts/origin-replica';
import { SwarmError } from '../../../src/domain';
import { ChannelMedia } from '../../../src/media/origin/channel-media';
import { judgePublish, newOwnership, own } from '../../../src/media/origin/ownership';
import type { ChannelRecord, LedgerRecord } from '../../../src/media/origin/records';
import { loadChannel } from '../../../src/media/origin/recovery';
import { sharedRecordSchema, type SharedRecord } from '../../../src/media/origin/replication/records';
import { Replica } from '../../../src/media/origin/replication/replica';
import { EmbeddedOwnershipStore, type Held, type OwnershipStore } from '../../../src/media/ownership-store';
import { SerialQueue } from '../../../src/platform/serial-queue';

/** Three replicas of one channel in this process, with real files; calls between them, and to the store, can get lost. */

const GOP_TICKS = 180_000;
const limits = { retentionMs: 1e9, retentionBytes: 1e12, keptRecords: 1_000 };
const spec = { onAir: true, gopDurationTicks: GOP_TICKS, framesPerSecond: 25 };
const ID = 'ch-1';

class MemoryStore implements OwnershipStore<SharedRecord> {
  private held: Held<SharedRecord> = {
    record: { ...spec, ownership: newOwnership(), epoch: 0, life: 1, leader: null, decidedEpoch: 0 },
    version: '1',
  };
  /** Each grant as it was written. */
  readonly grants = new Map<number, string>();

  constructor(private readonly lose: () => Promise<void>) {}

  async read(): Promise<Held<SharedRecord>> {
    await this.lose();
    return structuredClone(this.held);
  }

  async readAll(): Promise<Map<string, Held<SharedRecord>>> {
    return new Map([[ID, await this.read()]]);
  }

  async replace(_id: string, record: SharedRecord, version: string | null): Promise<string | null> {
    await this.lose();
    if (version !== this.held.version) return null;
    const { token, owner } = record.ownership;
    const before = this.grants.get(token);
    const now = owner?.sessionId ?? 'nobody';
    if (before !== undefined && before !== now) throw new Error(`Token ${token} has two owners.`);
    this.grants.set(token, now);
    this.held = { record: structuredClone(record), version: String(Number(version) + 1) };
    const written = this.held.version;
    await this.lose();
    return written;
  }
}

/** One origin's replica; `start` reads what is on its disk. */
export class Node {
  replica!: Replica;
  media!: ChannelMedia;
  record!: ChannelRecord;
  up = true;
  leaderElsewhere: () => Promise<string | null> = async () => null;
  readonly disk: { succeeded(id: string): void; failed(id: string, error: unknown): void } = {
    succeeded: () => undefined,
    failed: () => undefined,
  };
  /** A channel runs its changes one after the other. */
  private changes = new SerialQueue('origin');

  constructor(
    readonly name: string,
    readonly directory: string,
    private readonly world: World,
  ) {}

  async start(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const onDisk = await new EmbeddedOwnershipStore(dirname(this.directory), sharedRecordSchema).read(ID);
    const first: ChannelRecord = onDisk?.record ?? { ...spec, ownership: newOwnership() };
    const loaded = await loadChannel(this.directory, first, null, () => limits.keptRecords, 0, true);
    this.changes = new SerialQueue('origin');
    this.media = new ChannelMedia(loaded.ledger, loaded.segments, limits, () => 0);
    const { media } = this;
    this.record = loaded.record;
    this.replica = new Replica(
      {
        ...{ id: ID, directory: this.directory, media, gopDurationTicks: () => GOP_TICKS },
        setRecord: (record) => {
          if (media === this.media) this.record = record;
        },
      },
      {
        name: this.name,
        peers: this.world.names
          .filter((name) => name !== this.name)
          .map((name) => ({ name, client: this.world.clientFrom(this.name, name) })),
        store: this.world.store,
        keptRecords: () => limits.keptRecords,
        leaderElsewhere: () => this.leaderElsewhere(),
        disk: this.disk,
        log: pino({ level: 'silent' }),
      },
    );
    await this.replica.copy.load(loaded.isUnbroken);
    this.up = true;
  }

  change<T>(task: () => Promise<T>): Promise<T> {
    return this.changes.run(() => this.replica.leading(task));
  }

  /** Its memory is lost; what it had begun ends without effect on its disk. */
  async end(): Promise<void> {
    this.up = false;
    await this.replica.close();
    await this.media.close();
  }

  async loseDisk(): Promise<void> {
    await this.end();
    await rm(this.directory, { recursive: true });
  }
}

export class World {
  readonly names = ['o-1', 'o-2', 'o-3'];
  readonly nodes: Node[];
  readonly store: MemoryStore;
  /** Share of the calls that are lost, on each way. */
  loss = 0;
  /** Runs before a GOP goes to an origin; what it throws is what becomes of the call. */
  beforePut: (to: string, gop: number) => Promise<void> = () => Promise.resolve();

  constructor(
    folder: string,
    readonly random: () => number,
  ) {
    this.store = new MemoryStore(() => this.maybeLose());
    this.nodes = this.names.map((name) => new Node(name, join(folder, name, ID), this));
  }

  async maybeLose(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.random() * 3));
    if (this.random() < this.loss) throw new SwarmError('unavailable', 'lost on the way.');
  }

  clientFrom(from: string, to: string): ReplicaClient {
    const target = (): Node => {
      const node = this.nodes.find(({ name }) => name === to)!;
      if (!node.up) throw new SwarmError('unavailable', `${to} is away.`);
      return node;
    };
    const call = async <T>(act: (node: Node) => Promise<T> | T): Promise<T> => {
      await this.maybeLose();
      const answer = structuredClone(await act(target()));
      await this.maybeLose();
      return answer;
    };
    const client: Pick<ReplicaClient, 'promise' | 'follow' | 'log' | 'put' | 'bytes'> = {
      promise: (_id, order) => call(({ replica }) => replica.copy.promise(order)),
      follow: (_id, order) => call((node) => node.replica.copy.follow(order, this.clientFrom(to, from))),
      log: (_id, fromGop) => call(({ replica }) => replica.copy.read(fromGop)),
      put: async (_id, number, packed) => {
        const { gop, body } = unpackGop(packed);
        await this.beforePut(to, number);
        return call(({ replica }) => replica.copy.put(gop, body));
      },
      bytes: (_id, gop) => call(({ media }) => media.storedGop(gop)),
    };
    return client as ReplicaClient;
  }
}

export interface Acknowledged {
  gop: number;
  token: number;
  /** Absent: it was known already. */
  publishedAtMs?: number;
}

const BODY = Buffer.from('GOP.');
const sha256 = createHash('sha256').update(BODY).digest('hex');

/** Publishes as a channel does. @returns what was acknowledged */
export const publish = (node: Node, gop: number, token: number, atMs: number): Promise<Acknowledged> => {
  return node.change(async () => {
    const { replica } = node;
    const attempt = { gop, token, encoderId: 'enc', sessionId: `s-${token}` };
    const verdict = judgePublish(node.record.ownership, attempt, node.media.ledger.get(gop)?.token);
    if (verdict === 'duplicate?') return { gop, token };
    const record: LedgerRecord = {
      ...{ ...attempt, publishedAtMs: atMs, sealedAtMs: 0, programDateTimeMs: 0, discontinuities: 0 },
      renditions: [
        { name: 'r', bytes: 4, sha256, widthPx: 1, heightPx: 1, codecs: 'avc1', parameterSets: 'p' },
      ],
    };
    await replica.publish(record, BODY);
    return { gop, token, publishedAtMs: atMs };
  });
};

export const changeOwner = (node: Node, expectToken: number): Promise<number> =>
  node.change(async () => {
    const request = {
      requestId: `r-${expectToken}`,
      expectToken,
      owner: { encoderId: 'enc', sessionId: `s-${expectToken + 1}` },
      fromGop: 0,
    };
    const { state, answer } = own(node.record.ownership, request);
    if (state !== node.record.ownership) await node.replica.save({ ...node.record, ownership: state });
    return answer.token;
  });
