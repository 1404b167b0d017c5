import { gzipSync } from 'node:zlib';
import { channelWithDefaults, seededRandom, type ChannelSpec } from '../../src/domain';
import { ChannelList } from '../../workflows/cycle/channel-list';
import { manyChannels, noise } from './support/many-channels';

const KIB = 1024;
const MIB = KIB * KIB;
const withLongInput = (id: string, characters: number, seed: number): ChannelSpec =>
  channelWithDefaults(id, { kind: 'url', url: `https://x/${noise(characters, seededRandom(seed))}` });

/** Packed length of a list that has to be packed. */
const packedOf = (list: ChannelList): Uint8Array => {
  const carried = list.carried();
  if (!('packed' in carried)) throw new Error('It is carried as it is.');
  return carried.packed;
};

test('a short list is carried as it is, so that an older version can read it', () => {
  const channels = manyChannels(400);
  const list = new ChannelList({ channels });
  expect(list.carried()).toEqual({ channels });
  expect(list.isShort).toBe(true);
  expect(new ChannelList().carried()).toEqual({ channels: [] });
});

test('a channel is replaced in its place; one that is gone is not added again', () => {
  const channels = manyChannels(3);
  const list = new ChannelList({ channels });
  const changed = { ...channels[1]!, viewersPerRung: [1, 2] };
  const { revision } = list;
  list.replace(changed);
  expect(list.all).toEqual([channels[0], changed, channels[2]]);
  expect(list.revision).toBe(revision + 1);
  list.replace(channelWithDefaults('gone'));
  expect(list.all).toHaveLength(3);
  expect(list.revision).toBe(revision + 1);
});

test('a long list is packed, in the same bytes each time, and read again as it was', () => {
  const channels = manyChannels(10_000);
  const list = new ChannelList({ channels });
  const packed = packedOf(list);
  expect(packed.length).toBeLessThan(MIB);
  expect(Buffer.from(packedOf(new ChannelList({ channels })))).toEqual(Buffer.from(packed));
  const again = new ChannelList({ packed });
  expect(again.all).toEqual(channels);
  expect(again.isShort).toBe(false);
  expect(Buffer.from(packedOf(again))).toEqual(Buffer.from(packed));
  // Whoever finds it in a history can read it with the usual tools.
  expect(new ChannelList({ packed: gzipSync(JSON.stringify(channels)) }).all).toEqual(channels);
});

test('pages have all channels in their order, and none is longer than an answer may be', () => {
  const channels = [...manyChannels(3_000), withLongInput('ch-long', 600 * KIB, 1), ...manyChannels(2)];
  const list = new ChannelList({ channels });
  const read: ChannelSpec[] = [];
  const sizes: number[] = [];
  for (;;) {
    const page = list.page({ from: read.length, limit: 1_000 }, 'r');
    expect(page).toMatchObject({ revision: 'r', total: channels.length });
    if (page.channels.length === 0) break;
    expect(page.channels.length).toBeLessThanOrEqual(1_000);
    sizes.push(page.channels.length === 1 ? 0 : JSON.stringify(page).length);
    read.push(...page.channels);
  }
  expect(read).toEqual(channels);
  expect(Math.max(...sizes)).toBeLessThan(513 * KIB);
  expect(sizes.length).toBeLessThan(10);
});

test('a list that could not be carried any more takes no further channel, and what it took can be carried', () => {
  const long = 4_000;
  const list = new ChannelList({ channels: [] });
  let added = 0;
  for (;;) {
    const spec = withLongInput(`ch-${added}`, long, added);
    if (!list.hasRoomFor([spec])) break;
    list.add(spec);
    added += 1;
    expect(added).toBeLessThan(2_000);
  }
  const { length } = packedOf(list);
  expect(length).toBeGreaterThan(1.4 * MIB);
  expect(length).toBeLessThanOrEqual(1.5 * MIB);
  // Asked again it says the same; one that is taken away makes room for another.
  expect(list.hasRoomFor([withLongInput('other', long, 9)])).toBe(false);
  list.remove('ch-0');
  list.remove('ch-1');
  expect(list.hasRoomFor([withLongInput('other', long, 9)])).toBe(true);
  // Those that are being added count too.
  expect(list.hasRoomFor([1, 2, 3, 4].map((n) => withLongInput(`other-${n}`, long, n)))).toBe(false);
});

test('a list that packs well has room for many more than its plain length would have', () => {
  const list = new ChannelList({ channels: manyChannels(10_000) });
  for (const spec of manyChannels(20_000, 24, 2).slice(10_000, 10_400)) {
    expect(list.hasRoomFor([spec])).toBe(true);
    list.add(spec);
  }
  const again = new ChannelList({ packed: packedOf(list) });
  expect(again.hasRoomFor(manyChannels(3_000, 24, 3))).toBe(true);
});

test('a list that has become short again is carried and told as a short one', () => {
  const list = new ChannelList({ channels: manyChannels(2_000) });
  expect(list.isShort).toBe(false);
  for (const { id } of manyChannels(1_600)) list.remove(id);
  expect(list.isShort).toBe(true);
  expect(list.carried()).toEqual({ channels: manyChannels(2_000).slice(1_600) });
});

test('each change of the list is another revision', () => {
  const list = new ChannelList();
  const revisions = [list.revision];
  list.add(channelWithDefaults('ch-1'));
  revisions.push(list.revision);
  list.remove('ch-1');
  revisions.push(list.revision);
  expect(new Set(revisions).size).toBe(3);
  expect(list.all).toEqual([]);
});
