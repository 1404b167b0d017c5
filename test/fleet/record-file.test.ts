import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RecordFile } from '../../src/fleet/record-file';
import { eventually } from '../platform/stand-in-part';
import { SmallDisk } from '../support/small-disk';

let disk: SmallDisk | undefined;
beforeEach(() => (disk = SmallDisk.mount(128 * 1024)));
afterEach(() => disk?.unmount());

const holds = (file: string, text: string): boolean => {
  try {
    return readFileSync(file, 'utf8').includes(text);
  } catch {
    return false;
  }
};

test('on a full disk an encoder comes and goes all the same, and is noted once there is room', async () => {
  if (!disk) return;
  const path = join(disk.path, 'fleet-members.json');
  const file = new RecordFile(path, z.array(z.string()));
  file.write(['enc-1']);
  disk.fill();
  file.write(['enc-1', 'enc-2']);
  expect(file.read([])).toEqual(['enc-1']);
  disk.free();
  await eventually('it is noted', () => holds(path, 'enc-2'));
});
