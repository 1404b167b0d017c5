import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordCopy } from '../../src/media/origin/replication/notes';
import { quietLog } from '../encoder/support/test-host';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'record-copy-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('of records that come at once the last one stays, whole', async () => {
  const path = join(folder, 'channel.json');
  const copy = new RecordCopy(path, quietLog);
  const wanted = { life: 9, text: 'short' };
  for (let life = 1; life < 9; life += 1) copy.write({ life, text: 'x'.repeat(100_000) } as never);
  copy.write(wanted as never);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(wanted);
  expect(await readdir(folder)).toEqual(['channel.json']);
});

test('once it has ended, nothing is written into a folder that goes', async () => {
  const copy = new RecordCopy(join(folder, 'channel.json'), quietLog);
  for (let life = 1; life < 9; life += 1) copy.write({ life } as never);
  await copy.end();
  copy.write({ life: 9 } as never);
  await rm(folder, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await expect(readdir(folder)).rejects.toMatchObject({ code: 'ENOENT' });
});
