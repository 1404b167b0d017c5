import { join } from 'node:path';
import { Continuity } from '../../bench/chaos/continuity';
import { judgeGaps } from '../../bench/chaos/gaps';
import { failuresOf } from '../../bench/chaos/result';
import { sabotage, sabotages } from '../../bench/chaos/sabotage';
import { Watcher } from '../../bench/chaos/watcher';
import { cheapChannel } from '../../bench/lib/data-plane';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { verifierFfmpegPaths } from '../../src/verify';
import { startDataPlane } from '../support/data-plane';
import { goodFacts } from './facts';

const root = join(__dirname, '..', '..');
const RING_GOPS = 60;

/** Real source, relay, encoder host and origin; what a chaos run checks with, on channels that are sabotaged or not. */
test('a run whose swarm loses, repeats or gives up a GOP fails, and one that does not passes', async () => {
  const { plane, stop } = await startDataPlane({ encoders: 1 });
  const { originUrl, relayUrl, environment } = plane;
  const stateDir = environment.SWARM_STATE_DIR;
  const continuity = new Continuity({
    originUrl,
    key: await loadOrCreateStampKey(stateDir),
    ffmpegPaths: await verifierFfmpegPaths(environment),
    program: {
      path: join(root, 'bench', 'chaos', 'continuity-main.ts'),
      nodeArgs: ['-r', join(root, 'test', 'origin', 'support', 'run-typescript.cjs')],
    },
  });
  const watcher = new Watcher({ originUrl, relayUrl });
  const failures = async (): Promise<string[]> => {
    await watcher.poll();
    await continuity.check();
    const gaps = [...watcher.ledgers].flatMap(([channelId, entries]) =>
      judgeGaps({ channelId, entries, edges: watcher.edges.get(channelId) ?? [], ringGops: RING_GOPS }),
    );
    return failuresOf(goodFacts({ continuity: continuity.totals, gaps }));
  };
  try {
    const ids = ['whole', ...sabotages];
    await Promise.all(ids.map((id) => plane.putOnAir(cheapChannel(id), 'enc-1')));
    for (const id of ids) continuity.add(id, 0);
    await Promise.all(ids.map((id) => plane.published(id, 4)));
    watcher.start();
    expect(await failures()).toEqual([]);
    expect(continuity.totals.framesChecked).toBeGreaterThanOrEqual(ids.length * 4 * 25);

    const firstGop = Math.max(...ids.map((id) => continuity.nextGopOf(id)!));
    await Promise.all(ids.map((id) => plane.published(id, firstGop + 3)));
    for (const kind of sabotages) {
      await sabotage(kind, { originUrl, stateDir, channelId: kind, gop: firstGop + 1 });
    }
    await Promise.all(ids.map((id) => plane.published(id, firstGop + 7)));
    await watcher.stop();
    await continuity.check(undefined, true);
    const found = await failures();
    for (const kind of sabotages) {
      expect(found.filter((failure) => failure.includes(kind)).length).toBeGreaterThan(0);
    }
    expect(found.filter((failure) => failure.includes('whole'))).toEqual([]);
    expect(continuity.totals.framesLost).toBeGreaterThanOrEqual(50);
  } finally {
    await watcher.stop();
    await continuity.stop();
    await stop();
  }
}, 120_000);
