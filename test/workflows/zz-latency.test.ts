import { FakeSwarm } from './support/fake-activities';
import { Workbench, moveRequest } from './support/workbench';
import { timeBareSagas } from '../../bench/lib/bare-saga';
test('latency', async () => {
  const bench = await Workbench.open();
  const swarm = new FakeSwarm();
  bench.use(swarm.activities());
  const spec = bench.spec();
  swarm.ownedBy(spec.id, 'enc-1');
  const channel = await bench.startChannel(spec);
  const commit: number[] = [], total: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 15; i++) {
      const t = Date.now();
      const r = await channel.move(moveRequest({ toEncoderId: i % 2 ? 'enc-1' : 'enc-2', requestedAtMs: t, rungs: 1 + ((round * 15 + i) % 3) }));
      commit.push((r.committedAtMs ?? 0) - t); total.push(Date.now() - t);
    }
    bare.push(...(await timeBareSagas(bench.client, { runs: 15, activities: 6, address: bench.environment.address } as any)));
  }
  const p = (a: number[], q: number) => a.sort((x, y) => x - y)[Math.floor(a.length * q)];
  console.log('commit p50/p99', p(commit, 0.5), p(commit, 0.99), 'total', p(total, 0.5), 'bare', p(bare, 0.5), p(bare, 0.99));
  await bench.close();
}, 120_000);
