import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SwarmError, seededRandom } from '../../src/domain';
import { until } from '../support/until';
import { World, changeOwner, publish, type Acknowledged, type Node } from './support/memory-replicas';

/**
 * Random histories of three replicas of a channel, with real files: calls between them and to the store get lost before or
 * after they are carried out, replicas end and start again, one loses its disk. Whatever happens, a GOP that was
 * acknowledged stays as it was, each number is given once, and no token has two owners.
 */

const history = async (seed: number, steps: number): Promise<Acknowledged[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'replication-'));
  const random = seededRandom(seed);
  const world = new World(folder, random);
  const { nodes } = world;
  const any = (): Node => nodes[Math.floor(random() * nodes.length)]!;
  const acknowledged: Acknowledged[] = [];
  let token = 0;
  let nextGop = 0;
  let lastRefusal = '';
  const tried = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error;
      lastRefusal = error.message;
      const next = error.details?.nextGop;
      if (typeof next === 'number') nextGop = next;
    }
  };
  try {
    for (const node of nodes) await node.start();
    token = await changeOwner(nodes[0]!, 0);
    for (let step = 0; step < steps; step += 1) {
      world.loss = random() < 0.3 ? 0.25 : 0;
      const dice = random();
      const down = nodes.find(({ up }) => !up);
      if (down && dice < 0.35) await down.start();
      else if (!down && dice < 0.15) await any().end();
      else if (!down && dice < 0.2 && nodes.every(({ replica }) => replica.copy.state.followed > 0))
        await any().loseDisk();
      else if (dice < 0.35)
        await tried(async () => {
          token = await changeOwner(any(), token);
        });
      else {
        // The publisher may ask two at once, as one that did not answer in time goes on working.
        const at = [any(), any()].filter(({ up }) => up);
        await Promise.all(
          at.map((node, i) =>
            tried(async () => {
              const done = await publish(node, nextGop, token, step * 10 + i);
              acknowledged.push(done);
            }),
          ),
        );
        nextGop = Math.max(nextGop, ...acknowledged.map(({ gop }) => gop + 1));
      }
    }
    world.loss = 0;
    for (const node of nodes) if (!node.up) await node.start();
    for (let tries = 0; ; tries += 1) {
      const before = acknowledged.length;
      await tried(async () => void acknowledged.push(await publish(nodes[0]!, nextGop, token, 1e6)));
      if (acknowledged.length > before) break;
      if (tries > 10) throw new Error(`Nothing can be published any more: ${lastRefusal}.`);
      await tried(async () => {
        token = (await world.store.read()).record.ownership.token;
      });
    }
    // As each does once a second, while the publisher goes on: one whose calls were lost, or that ended, may have taken the
    // lead in the store alone, which only the store can tell the others.
    await until('all have caught up', async () => {
      await Promise.all(
        nodes.map(async ({ replica }) => {
          await replica.refresh();
          await replica.catchUp();
        }),
      );
      const ends = new Set(nodes.map(({ media }) => media.ledger.last?.gop));
      if (ends.size === 1) return true;
      nextGop = Math.max(...[...ends].map((gop) => gop ?? -1)) + 1;
      await tried(async () => void acknowledged.push(await publish(nodes[0]!, nextGop, token, 1e6)));
      return false;
    });
    const ledgers = nodes.map(({ media }) => media.ledger.range(0, Infinity));
    expect(ledgers[1]).toEqual(ledgers[0]);
    expect(ledgers[2]).toEqual(ledgers[0]);
    expect(ledgers[0]!.map(({ gop }) => gop)).toEqual(ledgers[0]!.map((_, gop) => gop));
    for (const { gop, token: of, publishedAtMs } of acknowledged)
      expect(ledgers[0]![gop]).toMatchObject({
        ...{ gop, token: of },
        ...(publishedAtMs !== undefined && { publishedAtMs }),
      });
    const tokens = ledgers[0]!.map((record) => record.token);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    return acknowledged;
  } finally {
    await Promise.all(nodes.map((node) => node.end().catch(() => undefined)));
    await rm(folder, { recursive: true, force: true });
  }
};

const FIRST_SEED = Number(process.env.REPLICATION_SEED ?? 1);
const SEEDS = Number(process.env.REPLICATION_SEEDS ?? 4);

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i))(
  'seed %i: what was acknowledged stays, once, at all origins alike',
  async (seed) => {
    const acknowledged = await history(seed, 40);
    expect(new Set(acknowledged.map(({ gop }) => gop)).size).toBeGreaterThan(5);
  },
  60_000,
);
