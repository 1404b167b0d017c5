import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelFiles } from '../../src/media/relay/channel-files';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'channel-files-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const record = { gopDurationTicks: 180_000, nextGop: 7 };
const loaded = async () => (await new ChannelFiles(root).load()).records;
const pathOf = (name: string): string => join(root, 'relay', name);

test('a channel is in a file of its own, and its GOPs beside that', async () => {
  const files = new ChannelFiles(root);
  expect(await files.load()).toEqual({ records: new Map(), damaged: new Map() });
  await files.create('ch-1', record);
  await files.create('ch-2', { ...record, nextGop: 0 });
  expect(JSON.parse(readFileSync(pathOf('ch-1.json'), 'utf8'))).toEqual(record);
  expect(files.ringDirectory('ch-1')).toBe(pathOf('ch-1'));
  expect([...(await loaded())]).toEqual([
    ['ch-1', record],
    ['ch-2', { ...record, nextGop: 0 }],
  ]);
});

test('a record is 128 bytes, however large its number: overwriting it takes no room', async () => {
  const files = new ChannelFiles(root);
  await files.load();
  await files.create('ch-1', { ...record, nextGop: 0 });
  const sizes: number[] = [];
  for (const nextGop of [0, 7, 1_234_567_890]) {
    await files.update('ch-1', { ...record, nextGop });
    sizes.push(readFileSync(pathOf('ch-1.json')).length);
    expect(await loaded()).toEqual(new Map([['ch-1', { ...record, nextGop }]]));
  }
  expect(sizes).toEqual([128, 128, 128]);
});

test('what else is in the folder is no channel, and stays where it is', async () => {
  const files = new ChannelFiles(root);
  await files.load();
  mkdirSync(pathOf('ch-1'));
  const names = ['ch-2.json.new', 'ch-3.jsonl', 'README', 'not an id!.json', '.json'];
  for (const name of names) writeFileSync(pathOf(name), 'x');
  expect(await files.load()).toEqual({ records: new Map(), damaged: new Map() });
  expect(readdirSync(join(root, 'relay')).sort()).toEqual([...names, 'ch-1'].sort());
});

test.each(['', '{"gopDurationTicks":180000}', 'not JSON'])(
  'a file with %j is set aside, and told of by its name',
  async (text) => {
    await new ChannelFiles(root).load();
    writeFileSync(pathOf('ch-1.json'), text);
    const { records, damaged } = await new ChannelFiles(root).load();
    expect(records).toEqual(new Map());
    const [aside] = readdirSync(join(root, 'relay'));
    expect(aside).toMatch(/^ch-1\.json\.aside-/);
    expect(damaged.get('ch-1')).toMatch(pathOf('ch-1.json'));
    expect(damaged.get('ch-1')).toContain(pathOf(aside!));
    expect(readFileSync(pathOf(aside!), 'utf8')).toBe(text);
  },
);
