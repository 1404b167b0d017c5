import { parse } from 'yaml';
import { drawKills, victims, type Kill } from '../../bench/cluster/kill-plan';
import { CLUSTER_PORTS, clusterLayout } from '../../bench/cluster/layout';
import { serverConfig } from '../../bench/cluster/server-config';

const killsOf = (seed: number, minutes: number): Kill[] => {
  const plan = drawKills(seed);
  return Array.from({ length: minutes * victims.length }, () => plan.next().value);
};

describe('the plan of kills', () => {
  test('is decided by the seed', () => {
    expect(killsOf(7, 20)).toEqual(killsOf(7, 20));
    expect(killsOf(8, 20)).not.toEqual(killsOf(7, 20));
  });

  test('kills everything once a minute, both history hosts in turn, with time to start again in between', () => {
    for (const seed of [1, 2, 3]) {
      const kills = killsOf(seed, 30);
      for (let minute = 0; minute < 30; minute += 1) {
        const inIt = kills.filter(({ atMs }) => Math.floor(atMs / 60_000) === minute);
        expect(inIt.map(({ victim }) => victim).sort()).toEqual([...victims].sort());
      }
      const pauses = kills.slice(1).map(({ atMs }, i) => atMs - kills[i]!.atMs);
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(6_000);
      expect(new Set(kills.filter(({ victim }) => victim === 'history').map(({ host }) => host))).toEqual(
        new Set([1, 2]),
      );
    }
  });
});

describe('where a cluster listens', () => {
  const layout = clusterLayout(21_000);

  test('each process has an address of its own, and no port is another one’s', () => {
    expect(new Set(layout.hosts.map(({ ip }) => ip)).size).toBe(layout.hosts.length);
    const ports = [
      layout.databasePort,
      ...layout.hosts.flatMap(({ grpcPort, membershipPort }) => [grpcPort, membershipPort]),
    ];
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.min(...ports)).toBe(21_000);
    expect(Math.max(...ports)).toBe(21_000 + CLUSTER_PORTS - 1);
    expect(layout.hosts.filter(({ service }) => service === 'history')).toHaveLength(2);
    expect(layout.address).toBe('127.0.0.1:21001');
  });

  test('the configuration of a history host names itself, the other services and the database', () => {
    const host = layout.hosts.find(({ name }) => name === 'history-2')!;
    const text = serverConfig({ layout, host, password: 'p: "w', dynamicConfigFile: '/x/dynamic.yaml' });
    const config = parse(text);
    const rpc = ({ grpcPort, membershipPort, ip }: typeof host) => ({
      rpc: { grpcPort, membershipPort, bindOnIP: ip },
    });
    const of = (name: string) => rpc(layout.hosts.find((each) => each.name === name)!);
    expect(config.services).toEqual({
      frontend: of('frontend'),
      history: of('history-2'),
      matching: of('matching'),
      worker: of('internal-worker'),
    });
    expect(config.global.membership.broadcastAddress).toBe(host.ip);
    expect(config.persistence.datastores.main.sql).toMatchObject({
      ...{
        pluginName: 'postgres12',
        connectAddr: '127.0.0.1:21000',
        databaseName: 'temporal',
        password: 'p: "w',
      },
    });
    expect(config.clusterMetadata.clusterInformation.active.rpcAddress).toBe(layout.address);
    expect(config.dynamicConfigClient.filepath).toBe('/x/dynamic.yaml');
  });

  test('all processes together need fewer connections than PostgreSQL takes', () => {
    const [host] = layout.hosts;
    const { datastores } = parse(
      serverConfig({ layout, host: host!, password: 'p', dynamicConfigFile: 'd' }),
    ).persistence;
    const perProcess = datastores.main.sql.maxConns + datastores.visibility.sql.maxConns;
    // 100, of which three are kept for the administrator.
    expect(perProcess * layout.hosts.length).toBeLessThanOrEqual(97);
  });
});
