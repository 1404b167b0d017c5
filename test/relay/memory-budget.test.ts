import { anyAnswer, callJson } from '../../src/contracts/call';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { RelayUnderTest } from './relay-under-test';

const MiB = 2 ** 20;
/** GOPs of a second. */
const gopTicks = 90_000;

let relay: RelayUnderTest;
afterEach(() => relay.stop());
const remove = (id: string) => callJson(`${relay.url}/channels/${id}`, anyAnswer, { method: 'DELETE' });

test('a relay takes on as many channels as its memory is enough for, and one more when one leaves', async () => {
  relay = await RelayUnderTest.start({ memoryBytes: 20 * MiB });
  await relay.put('ch-1', gopTicks);
  await relay.put('ch-2', gopTicks);
  for (let i = 0; i < 2; i += 1) {
    await expect(relay.put('ch-3', gopTicks)).rejects.toMatchObject({
      code: 'at-capacity-limit',
      message: expect.stringContaining('The memory of the relay, 20 MiB, is divided over 2 channels already'),
      hint: expect.stringContaining('SWARM_RELAY_MEMORY_MIB'),
    });
    // One that is there is asked for again; a restart changes nothing.
    await relay.put('ch-2', gopTicks);
    await relay.restart();
  }
  await remove('ch-1');
  await relay.put('ch-3', gopTicks);
});

test('a ring holds its share of the memory, which a second channel makes smaller, on disk too', async () => {
  relay = await RelayUnderTest.start({ memoryBytes: 24 * MiB });
  const rate = ['-b:v', '20M', '-minrate', '20M', '-maxrate', '20M', '-bufsize', '2M'];
  const rich = makeClip('ffmpeg', { seconds: 16, video: ['-c:v', 'mpeg2video', '-g', '25', ...rate] });
  const heldGops = async (): Promise<number> => {
    const { nextGop, oldestGop } = await relay.info('ch-1');
    return nextGop - (oldestGop ?? nextGop);
  };
  await relay.put('ch-1', gopTicks);
  await relay.contribute('ch-1', rich);
  const alone = await heldGops();
  await relay.put('ch-2', gopTicks);
  await relay.contribute('ch-1', rich);
  const withAnother = await heldGops();
  expect(withAnother).toBeGreaterThan(1);
  expect(withAnother).toBeLessThanOrEqual(alone / 2 + 1);
  await relay.restart();
  expect(await heldGops()).toBeLessThanOrEqual(alone / 2 + 1);
  await remove('ch-2');
  await relay.contribute('ch-1', rich);
  expect(await heldGops()).toBe(alone);
});
