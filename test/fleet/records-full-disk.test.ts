import { join } from 'node:path';
import { MemberRecords } from '../../src/fleet/member-records';
import { SmallDisk } from '../support/small-disk';
import { until } from '../support/until';

test('on a full disk an encoder comes and goes all the same, and is noted once there is room', async () => {
  const disk = SmallDisk.mount(128 * 1024);
  if (!disk) return;
  try {
    const path = join(disk.path, 'fleet-members.json');
    const noted = (): string[] => new MemberRecords(path).all.map(({ id }) => id);
    const records = new MemberRecords(path);
    records.add({ id: 'enc-4', zone: 'a', requestId: 'r-4' });
    disk.fill();
    records.add({ id: 'enc-5', zone: 'b', requestId: 'r-5' });
    records.forget('enc-4');
    expect(records.all.map(({ id }) => id)).toEqual(['enc-5']);
    expect(noted()).toEqual(['enc-4']);
    disk.free();
    await until('it is noted', () => noted().join() === 'enc-5');
  } finally {
    disk.unmount();
  }
});
