import { DiskWatch } from '../../src/launch/disk-watch';
import type { PartEvent } from '../../src/platform/processes/part-process';

const MiB = 2 ** 20;

let freeBytes: number;
let said: string[];
let watch: DiskWatch;
beforeEach(() => {
  freeBytes = 1_000 * MiB;
  said = [];
  watch = new DiskWatch({
    folder: '/state',
    onEvent: ({ kind }: PartEvent) => said.push(kind),
    onRoomAgain: () => said.push('room again'),
    readFileSystem: async () => ({ bavail: freeBytes / 4_096, bsize: 4_096 }),
  });
});

test('that a disk is full is said once, and once that there is room again', async () => {
  for (const MiBs of [1_000, 5, 3, 0, 0, 10, 3, 15, 16, 900, 0]) {
    freeBytes = MiBs * MiB;
    await watch.look();
  }
  expect(said).toEqual(['crashed', 'recovered', 'room again', 'crashed']);
});

test('a disk that can not be looked at tells nothing', async () => {
  const broken = new DiskWatch({
    folder: '/state',
    onEvent: ({ kind }: PartEvent) => said.push(kind),
    onRoomAgain: () => said.push('room again'),
    readFileSystem: () => Promise.reject(new Error('EIO')),
  });
  await expect(broken.look()).rejects.toThrow('EIO');
  expect(said).toEqual([]);
});
