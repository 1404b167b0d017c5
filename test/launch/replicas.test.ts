import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/config';
import { originUrlsOf, replicationOf } from '../../src/config/shared-origins';
import { relayUrlsOf, relaysOf } from '../../src/config/shared-relays';
import {
  etcdArguments,
  keepPeerPorts,
  relayPortsFor,
  replicaPortsFor,
  replicaPortsWanted,
  replicaVariables,
  requireSameKind,
  withKnownPeerPorts,
} from '../../src/launch/replicas';
import { portsFor, requireFreePorts } from '../../src/setup';

const peers = 'origin-1=http://a:1,origin-2=http://b:2/,origin-3=http://c:3';

describe('settings of several origins', () => {
  test('without any, an origin is alone and keeps ownership itself', () => {
    const environment = readEnvironment({});
    expect(replicationOf(environment)).toBeUndefined();
    expect(originUrlsOf(environment)).toEqual(['http://127.0.0.1:7702']);
  });

  test('an origin knows its peers and the members of etcd', () => {
    const environment = readEnvironment({
      SWARM_ORIGIN_PEERS: peers,
      SWARM_ORIGIN_NAME: 'origin-2',
      SWARM_OWNERSHIP_STORE: 'etcd://10.0.0.1:2379,[::1]:2379',
      SWARM_ORIGIN_URL: 'http://b:2',
    });
    expect(replicationOf(environment)).toEqual({
      name: 'origin-2',
      peers: [
        { name: 'origin-1', url: 'http://a:1' },
        { name: 'origin-3', url: 'http://c:3' },
      ],
      storeUrls: ['http://10.0.0.1:2379', 'http://[::1]:2379'],
    });
    expect(originUrlsOf(environment)).toEqual(['http://b:2', 'http://a:1', 'http://c:3']);
  });

  test.each([
    [{ SWARM_ORIGIN_PEERS: peers }, 'each would decide by itself'],
    [{ SWARM_ORIGIN_PEERS: peers, SWARM_OWNERSHIP_STORE: 'etcd://a:1' }, 'none of SWARM_ORIGIN_PEERS'],
    [
      { SWARM_ORIGIN_PEERS: peers, SWARM_OWNERSHIP_STORE: 'etcd://a:1', SWARM_ORIGIN_NAME: 'other' },
      'none of SWARM_ORIGIN_PEERS',
    ],
  ])('%j is refused', (env, why) => {
    expect(() => replicationOf(readEnvironment(env))).toThrow(why);
  });

  test.each([
    [{ SWARM_OWNERSHIP_STORE: 'http://a:1' }],
    [{ SWARM_OWNERSHIP_STORE: 'etcd://' }],
    [{ SWARM_OWNERSHIP_STORE: 'etcd://a' }],
    [{ SWARM_ORIGIN_PEERS: 'origin-1' }],
    [{ SWARM_ORIGIN_PEERS: 'o=http://a:1,o=http://b:1' }],
  ])('%j is no setting', (env) => {
    expect(() => readEnvironment(env)).toThrow('Bad environment: SWARM_O');
  });
});

test('a relay is alone, or one of those that every part is told of', () => {
  expect(relaysOf(readEnvironment({}))).toEqual([{ name: 'relay', url: 'http://127.0.0.1:7701' }]);
  const several = readEnvironment({
    SWARM_RELAY_PEERS: 'relay-1=http://a:1,relay-2=http://b:2/',
    SWARM_RELAY_URL: 'http://b:2',
  });
  expect(relaysOf(several)).toEqual([
    { name: 'relay-1', url: 'http://a:1' },
    { name: 'relay-2', url: 'http://b:2' },
  ]);
  expect(relayUrlsOf(several)).toEqual(['http://b:2', 'http://a:1']);
});

describe('three origins and two relays on one machine', () => {
  const ports = replicaPortsFor(portsFor(20_000, {}));
  const relayPorts = relayPortsFor(portsFor(20_000, {}));

  test('have ports of their own, and what every part is told of them is valid', () => {
    const all = [
      ...ports.flatMap((each) => [each.origin, each.player, each.etcdClient, each.etcdPeer]),
      ...relayPorts.slice(1),
    ];
    const others = Object.entries<number>({ ...portsFor(20_000, {}) }).filter(
      ([part]) => part !== 'origin' && part !== 'player',
    );
    expect(new Set([...all, ...others.map(([, port]) => port)]).size).toBe(all.length + others.length);
    const variables = replicaVariables({ ports, relayPorts }, (port) => `http://127.0.0.1:${port}`);
    const environment = readEnvironment({ ...variables, SWARM_ORIGIN_NAME: 'origin-3' });
    expect(replicationOf(environment)?.peers.map(({ url }) => url)).toEqual([
      'http://127.0.0.1:20002',
      'http://127.0.0.1:20030',
    ]);
    expect(relayUrlsOf(environment).slice(1)).toEqual(['http://127.0.0.1:20001', 'http://127.0.0.1:20038']);
  });

  test('are refused where one would have no port', async () => {
    // The swarm itself has room there.
    const wanted = replicaPortsWanted({ ports: replicaPortsFor(portsFor(65_491, {})), relayPorts: [] });
    await expect(requireFreePorts(wanted, '127.0.0.1')).rejects.toMatchObject({
      code: 'bad-request',
      message: 'the peers of etcd-3 would have port 65536: the highest one is 65535.',
      hint: expect.stringContaining('--port-base') as string,
    });
  });

  test('each member of etcd has a folder of its own and knows the others', () => {
    const line = etcdArguments('/state', ports, 1).join(' ');
    expect(line).toContain('--data-dir /state/replicas/etcd-2 --listen-client-urls http://127.0.0.1:20041');
    for (const { etcdPeer } of ports) expect(line).toContain(`http://127.0.0.1:${etcdPeer}`);
  });
});

describe('a state folder', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'replicas-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('that is new may become either', async () => {
    await requireSameKind(folder, 1);
    await requireSameKind(folder, 3);
    await mkdir(join(folder, 'origin'));
    await requireSameKind(folder, 3);
  });

  test('with channels of one origin is not started with three, nor the other way round', async () => {
    await mkdir(join(folder, 'origin', 'ch-1'), { recursive: true });
    await requireSameKind(folder, 1);
    await expect(requireSameKind(folder, 3)).rejects.toMatchObject({ code: 'conflict' });
    await rm(join(folder, 'origin'), { recursive: true });
    await mkdir(join(folder, 'replicas', 'origin-1'), { recursive: true });
    await requireSameKind(folder, 3);
    await expect(requireSameKind(folder, 1)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('keeps the ports by which the members of etcd know one another, whatever the other ports are', async () => {
    const [first, later] = [20_000, 30_000].map((base) => replicaPortsFor(portsFor(base, {})));
    expect(await withKnownPeerPorts(folder, first!)).toEqual(first);
    await keepPeerPorts(folder, first!);
    const ports = await withKnownPeerPorts(folder, later!);
    expect(ports.map(({ etcdPeer }) => etcdPeer)).toEqual([20_043, 20_044, 20_045]);
    expect(ports.map(({ etcdClient }) => etcdClient)).toEqual([30_040, 30_041, 30_042]);
    const line = etcdArguments(folder, ports, 0).join(' ');
    expect(line).toContain('--listen-peer-urls http://127.0.0.1:20043');
    await keepPeerPorts(folder, ports);
    expect(await withKnownPeerPorts(folder, first!)).toEqual(first);
  });

  test.each(['', '[1, 2]', '[1, 2, 70000]'])('whose ports of etcd read %j is refused', async (text) => {
    await mkdir(join(folder, 'replicas'));
    await writeFile(join(folder, 'replicas', 'etcd-peers.json'), text);
    await expect(withKnownPeerPorts(folder, replicaPortsFor(portsFor(20_000, {})))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('etcd-peers.json') as string,
      hint: expect.stringContaining('[20043,20044,20045]') as string,
    });
  });
});
