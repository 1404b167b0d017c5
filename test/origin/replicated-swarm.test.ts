import { cheapChannel, type DataPlane } from '../../bench/lib/data-plane';
import { OriginClient } from '../../src/contracts/origin';
import { startDataPlane } from '../support/data-plane';
import { EtcdCluster } from '../support/etcd';
import { claimPortBase, freePort } from '../support/ports';
import { suspend } from '../support/suspend';
import { until } from '../support/until';
import { OriginProcess } from './support/origin-process';

/**
 * Real encoder sessions on three real origins and three members of etcd: what viewers have of a channel, while one origin
 * after the other dies or stops, a channel changes hands, and the leader of etcd is killed.
 */

let etcd: EtcdCluster;
let plane: DataPlane;
let stopPlane: () => Promise<void>;
const others: OriginProcess[] = [];
let origins: OriginClient;
const spec = cheapChannel('ch-1');

beforeAll(async () => {
  etcd = await EtcdCluster.start(3);
  const portBase = await claimPortBase();
  const ports = [portBase + 1, await freePort(), await freePort()];
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const shared = {
    SWARM_ORIGIN_PEERS: urls.map((url, i) => `origin-${i + 1}=${url}`).join(','),
    SWARM_OWNERSHIP_STORE: etcd.setting,
  };
  const started = await startDataPlane({
    ...{ portBase, encoders: 2, variables: shared },
    variablesOf: { origin: { SWARM_ORIGIN_NAME: 'origin-1' } },
  });
  ({ plane, stop: stopPlane } = started);
  for (const i of [1, 2]) {
    const origin = await OriginProcess.create(`${etcd.folder}/origin-${i + 1}`, plane.relayUrl, {
      ...shared,
      SWARM_ORIGIN_NAME: `origin-${i + 1}`,
      SWARM_ORIGIN_PORT: String(ports[i]),
      SWARM_LOG_LEVEL: process.env.TEST_LOG ?? 'fatal',
    });
    others.push(origin);
  }
  await Promise.all(others.map((origin) => origin.start()));
  origins = new OriginClient(urls);
}, 90_000);

afterAll(async () => {
  for (const origin of others) {
    origin.signal('SIGCONT');
    await origin.end('SIGKILL');
  }
  await stopPlane?.();
  await etcd?.stop();
});

/** GOPs that go on air in order; the longest time between two of them. */
const publishedFor = async (gops: number): Promise<number> => {
  const { nextGop } = await origins.channel(spec.id);
  let longestMs = 0;
  let lastAtMs = performance.now();
  for (let gop = nextGop; gop < nextGop + gops; gop += 1) {
    await origins.wait(spec.id, gop, 60_000);
    const atMs = performance.now();
    longestMs = Math.max(longestMs, atMs - lastAtMs);
    lastAtMs = atMs;
  }
  return longestMs;
};

test('origins die and stop, a channel changes hands, etcd loses its leader: no frame is lost, repeated or of two owners', async () => {
  await plane.putOnAir(spec, 'enc-1');
  await publishedFor(3);
  const pausesMs: Record<string, number> = {};

  // The one that sessions put at, killed while a handoff runs.
  const [pause] = await Promise.all([publishedFor(4), plane.kill('origin'), handOver('enc-2')]);
  pausesMs['origin killed, with a handoff'] = pause;

  await suspend(plane.pid('origin'));
  pausesMs['origin stopped'] = await publishedFor(4);
  process.kill(plane.pid('origin'), 'SIGCONT');

  const leader = await etcd.leader();
  const killed = etcd.kill(leader);
  pausesMs["etcd's leader killed"] = await publishedFor(3);
  await killed;
  await handOver('enc-1');
  etcd.run(leader);
  await publishedFor(2);

  console.info(
    `longest times between GOPs of 1 s: ${Object.entries(pausesMs)
      .map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`)
      .join(', ')}`,
  );
  const { nextGop, gapsDeclared } = await origins.channel(spec.id);
  expect(gapsDeclared).toBe(0);
  await until(
    'the first origin has caught up',
    async () => (await plane.channel(spec.id)).nextGop >= nextGop,
  );
  const report = await plane.verify([spec.id]);
  expect(report.ok).toBe(true);
  const ledger = await origins.ledger(spec.id, 0, nextGop);
  expect(ledger.map(({ gop }) => gop)).toEqual(ledger.map((_, i) => i));
  const tokens = ledger.map(({ token }) => token);
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
}, 240_000);

/** As a workflow does it: a session prepared on the target, then one change of owner, asked of whichever origin answers. */
const handOver = async (encoderId: string): Promise<void> => {
  const before = await origins.channel(spec.id);
  const owner = await plane.prepare(spec, encoderId, before);
  await publishedFor(1);
  const now = await origins.channel(spec.id);
  await plane.own(spec.id, owner, now);
};
