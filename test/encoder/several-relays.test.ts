import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cheapChannel, type DataPlane } from '../../bench/lib/data-plane';
import { RelayClient } from '../../src/contracts/relay';
import { startDataPlane } from '../support/data-plane';
import { suspend } from '../support/suspend';
import { until } from '../support/until';

/** A real session on two real relays, of which one after the other dies, stops, or loses its disk. */

let plane: DataPlane;
let stopPlane: () => Promise<void>;
const spec = cheapChannel('ch-1');

beforeAll(async () => {
  ({ plane, stop: stopPlane } = await startDataPlane({ encoders: 1, relays: 2 }));
}, 90_000);
afterAll(() => stopPlane?.());

/** GOPs that go on air; the longest time between two of them. */
const publishedFor = async (gops: number): Promise<number> => {
  const { nextGop } = await plane.channel(spec.id);
  let longestMs = 0;
  let lastAtMs = performance.now();
  for (let gop = nextGop; gop < nextGop + gops; gop += 1) {
    await plane.published(spec.id, gop);
    const atMs = performance.now();
    longestMs = Math.max(longestMs, atMs - lastAtMs);
    lastAtMs = atMs;
  }
  return longestMs;
};

const urls = (): string[] => plane.environment.SWARM_RELAY_PEERS.map(({ url }) => url);

/** Both have what is arriving. */
const inStep = (): Promise<void> =>
  until(
    'both relays are in step',
    async () => {
      const channels = await Promise.all(
        urls().map((url) => new RelayClient(url).channel(spec.id).catch(() => null)),
      );
      const sealed = channels.map((channel) => channel?.lastSealedGop ?? -1);
      const isSent = channels.every((channel) => channel?.ingestConnected);
      return isSent && Math.abs(sealed[0]! - sealed[1]!) <= 1;
    },
    60_000,
  );

test('relays die, stop and come back empty: no frame is lost or repeated', async () => {
  await plane.putOnAir(spec, 'enc-1');
  await publishedFor(3);
  await inStep();
  const pausesMs: Record<string, number> = {};

  [pausesMs['relay killed']] = await Promise.all([publishedFor(5), plane.kill('relay')]);
  await inStep();

  await suspend(plane.pid('relay-2'));
  pausesMs['relay-2 stopped'] = await publishedFor(8);
  process.kill(plane.pid('relay-2'), 'SIGCONT');
  await inStep();

  await suspend(plane.pid('relay'));
  pausesMs['relay stopped'] = await publishedFor(8);
  process.kill(plane.pid('relay'), 'SIGCONT');
  await inStep();

  const emptied = rm(join(plane.environment.SWARM_STATE_DIR, 'relay-2', 'relay'), { recursive: true });
  await Promise.all([emptied, plane.kill('relay-2')]);
  pausesMs['relay-2 emptied'] = await publishedFor(4);
  await inStep();
  [pausesMs['the other one killed']] = await Promise.all([publishedFor(5), plane.kill('relay')]);

  console.info(
    `longest times between GOPs of 1 s: ${Object.entries(pausesMs)
      .map(([what, ms]) => `${what} ${ms.toFixed(0)} ms`)
      .join(', ')}`,
  );
  const { gapsDeclared } = await plane.channel(spec.id);
  expect(gapsDeclared).toBe(0);
  const report = await plane.verify([spec.id]);
  expect(report.ok).toBe(true);
}, 240_000);
