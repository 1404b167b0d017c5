import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { RunningOrigin } from './support/running-origin';

const MANY = 1_100;
const AT_ONCE = 100;
/** A thousand folders are made durably one after the other, which is not what is tried here. */
const QUICK_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const RECORDS_BYTES = 2 ** 20;

const statuses = async (origin: RunningOrigin, ids: string[]): Promise<number[]> =>
  Promise.all(ids.map(async (id) => (await origin.client.register(id)).status));

test('an origin takes more than a thousand names, at one time and one after the other', async () => {
  const origin = await RunningOrigin.start({ totalBytes: MANY * 8 * 2 ** 20 }, { parent: QUICK_DISK });
  try {
    for (let from = 0; from < MANY; from += AT_ONCE) {
      const ids = Array.from({ length: AT_ONCE }, (_, i) => `ch-${from + i}`);
      expect(new Set(await statuses(origin, ids))).toEqual(new Set([200]));
    }
    const { body } = await origin.client.call('GET', '/channels');
    expect(body).toHaveLength(MANY);
  } finally {
    await origin.stop();
  }
}, 90_000);

test('names come and go in any number: only those on air count', async () => {
  const origin = await RunningOrigin.start({ memoryBytes: 2 * RECORDS_BYTES, openFiles: 15 });
  try {
    for (let i = 0; i < 40; i += 1) {
      expect(await statuses(origin, [`ch-${i}`])).toEqual([200]);
      await origin.client.call('DELETE', `/channels/ch-${i}`);
    }
  } finally {
    await origin.stop();
  }
});

test('a channel for which there is no memory is refused by name, and one more is taken when one leaves', async () => {
  const origin = await RunningOrigin.start({ memoryBytes: 2 * RECORDS_BYTES });
  const { client } = origin;
  try {
    expect(await statuses(origin, ['ch-1', 'ch-2'])).toEqual([200, 200]);
    expect(await client.register('ch-3')).toMatchObject({
      status: 409,
      body: {
        error: {
          code: 'at-capacity-limit',
          message: expect.stringContaining('The memory of the origin'),
          hint: expect.stringContaining('SWARM_ORIGIN_MEMORY_MIB'),
        },
      },
    });
    await client.call('DELETE', '/channels/ch-1');
    expect(await statuses(origin, ['ch-3', 'ch-2'])).toEqual([200, 200]);
  } finally {
    await origin.stop();
  }
});
