import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  EmbeddedOwnershipStore,
  EtcdGateway,
  EtcdOwnershipStore,
  type OwnershipStore,
} from '../../src/media/ownership-store';
import { EtcdCluster } from '../support/etcd';

/** The contract of an ownership store, on both of its implementations. */

const schema = z.object({ owner: z.string(), n: z.int() });
type Owned = z.infer<typeof schema>;

let folder: string;
let etcd: EtcdCluster;

beforeAll(async () => {
  etcd = await EtcdCluster.start();
}, 30_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ownership-store-'));
  for (const id of ['ch-1', 'ch-2', 'ch-10']) await mkdir(join(folder, id));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
afterAll(() => etcd.stop());

let cells = 0;
const implementations: [string, () => OwnershipStore<Owned>, () => OwnershipStore<Owned>][] = [
  [
    'embedded',
    () => new EmbeddedOwnershipStore(folder, schema),
    () => new EmbeddedOwnershipStore(folder, schema),
  ],
  [
    'etcd',
    () => new EtcdOwnershipStore(new EtcdGateway(etcd.urls), `cell-${(cells += 1)}`, schema),
    () => new EtcdOwnershipStore(new EtcdGateway(etcd.urls), `cell-${cells}`, schema),
  ],
];

describe.each(implementations)('the %s store', (_name, make, again) => {
  test('has nothing of a channel that was never written', async () => {
    const store = make();
    expect(await store.read('ch-1')).toBeUndefined();
    expect(await store.readAll()).toEqual(new Map());
  });

  test('has what was written last, for whoever opens it later', async () => {
    const store = make();
    const first = await store.replace('ch-1', { owner: 'a', n: 1 }, null);
    const second = await store.replace('ch-1', { owner: 'b', n: 2 }, first);
    expect(await store.read('ch-1')).toEqual({ record: { owner: 'b', n: 2 }, version: second });
    expect((await again().read('ch-1'))?.record).toEqual({ owner: 'b', n: 2 });
  });

  test('refuses whoever replaces a version that is not in force, and changes nothing', async () => {
    const store = make();
    const first = (await store.replace('ch-1', { owner: 'a', n: 1 }, null))!;
    const second = await store.replace('ch-1', { owner: 'b', n: 2 }, first);
    expect(await store.replace('ch-1', { owner: 'c', n: 3 }, first)).toBeNull();
    expect(await store.replace('ch-1', { owner: 'c', n: 3 }, null)).toBeNull();
    expect(await store.read('ch-1')).toEqual({ record: { owner: 'b', n: 2 }, version: second });
  });

  test('of many who replace the same version at once, lets one', async () => {
    const store = make();
    const version = await store.replace('ch-1', { owner: 'a', n: 0 }, null);
    const tries = Array.from({ length: 20 }, (_, i) => ({ owner: `o-${i}`, n: i }));
    const answers = await Promise.all(tries.map((record) => store.replace('ch-1', record, version)));
    const won = tries.filter((_, i) => answers[i] !== null);
    expect(won).toHaveLength(1);
    expect((await store.read('ch-1'))?.record).toEqual(won[0]);
  });

  test('gives versions that grow', async () => {
    const store = make();
    let version: string | null = null;
    let before = -1n;
    for (let n = 0; n < 12; n += 1) {
      version = await store.replace('ch-1', { owner: 'a', n }, version);
      expect(BigInt(version!) > before).toBe(true);
      before = BigInt(version!);
    }
  });

  test('keeps channels apart, also where one name begins as another', async () => {
    const store = make();
    for (const [n, id] of ['ch-1', 'ch-10', 'ch-2'].entries())
      await store.replace(id, { owner: id, n }, null);
    const all = await store.readAll();
    expect([...all.keys()].sort()).toEqual(['ch-1', 'ch-10', 'ch-2']);
    expect(all.get('ch-10')?.record).toEqual({ owner: 'ch-10', n: 1 });
  });
});

describe('a store that can not be asked', () => {
  test('a record that is not understood is refused, not guessed', async () => {
    await writeFile(join(folder, 'ch-1', 'channel.json'), '{"owner":1}');
    await expect(new EmbeddedOwnershipStore(folder, schema).read('ch-1')).rejects.toMatchObject({
      code: 'unavailable',
    });
    const gateway = new EtcdGateway(etcd.urls);
    await gateway.replace('/encoder-swarm/odd/channels/ch-1', 'nonsense', '0');
    await expect(new EtcdOwnershipStore(gateway, 'odd', schema).read('ch-1')).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  test('a record that is not understood keeps no other one from being read, and is told of once', async () => {
    const gateway = new EtcdGateway(etcd.urls);
    const told: string[] = [];
    const store = new EtcdOwnershipStore(gateway, 'mixed', schema, ({ message }) => told.push(message));
    await gateway.replace('/encoder-swarm/mixed/channels/ch-1', 'nonsense', '0');
    await store.replace('ch-2', { owner: 'a', n: 1 }, null);
    for (let times = 0; times < 2; times += 1) expect([...(await store.readAll()).keys()]).toEqual(['ch-2']);
    expect(told).toEqual([expect.stringContaining('channels/ch-1')]);
  });

  test('a member that is away is passed over, and all of them are a refusal', async () => {
    const away = 'http://127.0.0.1:9';
    const store = new EtcdOwnershipStore(new EtcdGateway([away, ...etcd.urls]), 'away', schema);
    expect(await store.replace('ch-1', { owner: 'a', n: 1 }, null)).not.toBeNull();
    const none = new EtcdOwnershipStore(new EtcdGateway([away]), 'away', schema);
    await expect(none.read('ch-1')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
