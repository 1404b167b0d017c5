import { anyAnswer, callJson } from '../../src/contracts/call';
import { RelayUnderTest } from './relay-under-test';

const MIB = 2 ** 20;
const MANY = 300;
const AT_ONCE = 50;

let relay: RelayUnderTest;
afterEach(() => relay.stop());

const registered = async (): Promise<unknown[]> =>
  (await callJson(`${relay.url}/channels`, anyAnswer)) as unknown[];

test('a relay holds as many channels as its memory and disk are enough for', async () => {
  relay = await RelayUnderTest.start({ memoryBytes: MANY * 8 * MIB, diskBytes: MANY * 8 * MIB });
  for (let from = 0; from < MANY; from += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => relay.put(`ch-${from + i}`, 90_000)));
  expect(await registered()).toHaveLength(MANY);
  await expect(relay.put('one-more', 90_000)).rejects.toMatchObject({
    code: 'at-capacity-limit',
    hint: expect.stringContaining('SWARM_RELAY_'),
  });
});

test('one channel more than its open files are enough for is refused by name, and changes nothing', async () => {
  relay = await RelayUnderTest.start({ openFiles: 25 });
  for (let i = 0; i < 5; i += 1) await relay.put(`ch-${i}`, 90_000);
  await expect(relay.put('ch-5', 90_000)).rejects.toMatchObject({
    code: 'at-capacity-limit',
    message: expect.stringContaining('may have 25 files and connections open'),
    hint: expect.stringContaining('SWARM_OPEN_FILES'),
  });
  expect(await registered()).toHaveLength(5);
  await relay.put('ch-4', 90_000);
});
