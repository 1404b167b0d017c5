import { join } from 'node:path';
import { anyAnswer, callJson } from '../../src/contracts/call';
import { SmallDisk } from '../support/small-disk';
import { RelayUnderTest } from './relay-under-test';

const MiB = 2 ** 20;
const gopTicks = 90_000;

let relay: RelayUnderTest;
afterEach(() => relay?.stop());
const remove = (id: string) => callJson(`${relay.url}/channels/${id}`, anyAnswer, { method: 'DELETE' });

test('a relay takes on as many channels as its disk is enough for, also after a restart', async () => {
  relay = await RelayUnderTest.start({ diskBytes: 20 * MiB });
  await relay.put('ch-1', gopTicks);
  await relay.put('ch-2', gopTicks);
  for (let i = 0; i < 2; i += 1) {
    await expect(relay.put('ch-3', gopTicks)).rejects.toMatchObject({
      code: 'at-capacity-limit',
      message: expect.stringContaining('The disk of the relay, 20 MiB, is divided over 2 channels already'),
      hint: expect.stringContaining('SWARM_RELAY_DISK_MIB'),
    });
    await relay.put('ch-2', gopTicks);
    await relay.restart();
  }
  await remove('ch-1');
  await relay.put('ch-3', gopTicks);
});

test('without a number of its own the budget is half of the disk, and a nearly full one takes no channel on', async () => {
  const disk = SmallDisk.mount(40 * MiB);
  if (!disk) return;
  try {
    relay = await RelayUnderTest.start({ stateDir: join(disk.path, 'state') });
    await relay.put('ch-1', gopTicks);
    await relay.put('ch-2', gopTicks);
    await expect(relay.put('ch-3', gopTicks)).rejects.toMatchObject({ code: 'at-capacity-limit' });
    await remove('ch-2');
    disk.fill(MiB);
    await expect(relay.put('ch-2', gopTicks)).rejects.toMatchObject({
      code: 'storage-full',
      message: 'The disk of the relay has 1 MiB left: too little for another channel.',
    });
    // What is there goes on.
    await relay.restart();
    await relay.put('ch-1', gopTicks);
    disk.free();
    await relay.put('ch-2', gopTicks);
  } finally {
    await relay.stop();
    disk.unmount();
  }
});
