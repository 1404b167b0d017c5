import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChannelListFile } from '../../src/media/source/channel-list-file';
import { eventually } from '../platform/stand-in-part';
import { SmallDisk } from '../support/small-disk';

test('on a full disk the list of channels changes all the same, and is kept once there is room', async () => {
  const disk = SmallDisk.mount(128 * 1024);
  if (!disk) return;
  try {
    const kept = (): string => readFileSync(join(disk.path, 'source', 'channels.json'), 'utf8');
    const file = new ChannelListFile(disk.path);
    await file.load();
    file.save([{ id: 'ch-1', input: { kind: 'generated' }, framesPerSecond: 25, gopDurationTicks: 180_000 }]);
    disk.fill();
    file.save([]);
    expect(kept()).toContain('ch-1');
    disk.free();
    await eventually('it is kept', () => !kept().includes('ch-1'));
  } finally {
    disk.unmount();
  }
});
