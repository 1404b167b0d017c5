import { choiceAgeMs, deadlinesMs, keptMs, listDeadlineMs } from '../../src/observation/deadlines';
import type { EncoderDirectory } from '../../src/observation/encoder-directory';
import { EncoderProbe } from '../../src/observation/encoder-probe';
import type { EncoderReadings, PartReadings } from '../../src/observation/part-readings';

const FLEET = 1_000;
const fleet = Array.from({ length: FLEET }, (_, i) => ({ id: `enc-${i}`, state: 'running' }));

test('of a large fleet some encoders are asked at a time, and all are in the answer', async () => {
  let [underWay, most] = [0, 0];
  const ask = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    return { value: { info: { id: 'enc' }, telemetry: {} }, readAtMs: 0, fault: null };
  };
  const readings = { combined: { now: ask, get: ask, last: { value: {} } } } as unknown as EncoderReadings;
  const directory = { refresh: async () => undefined, list: async () => fleet };
  const probe = new EncoderProbe(directory as unknown as EncoderDirectory, {
    encoder: () => readings,
    keepOnly: () => undefined,
  } satisfies Pick<PartReadings, 'encoder' | 'keepOnly'>);
  const seen = await probe.observe({}, () => 0, { deadlineMs: 800, fresh: true });
  expect(seen).toHaveLength(FLEET);
  expect(most).toBeLessThanOrEqual(128);
});

test('a small cell is looked at as before; a large one is waited for longer, and choices share a longer look', () => {
  expect(choiceAgeMs(50)).toBe(keptMs.choice);
  expect(choiceAgeMs(1_000)).toBe(5_000);
  expect(listDeadlineMs(0)).toBe(deadlinesMs.observe);
  expect(listDeadlineMs(10_000)).toBe(2_800);
});
