import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { MediaHealth } from '../../src/contracts/health';
import { SwarmError, seededRandom } from '../../src/domain';
import { ChannelMedia } from '../../src/media/origin/channel-media';
import { Ledger } from '../../src/media/origin/ledger';
import type { ListedMedia } from '../../src/media/origin/listed-media';
import { PartialSegments } from '../../src/media/origin/partial-segments';
import { PlayedChannel, type PlayedState } from '../../src/media/origin/played-channel';
import { PlayerFeed, type FollowedOrigin } from '../../src/media/origin/player-process/feed';
import type { ToPlayers } from '../../src/media/origin/player-process/messages';
import { Mirror } from '../../src/media/origin/player-process/mirror';
import { SegmentCache } from '../../src/media/origin/player-process/segment-cache';
import type { LedgerRecord } from '../../src/media/origin/records';
import { SegmentStore } from '../../src/media/origin/segment-store';
import { until } from '../support/until';

/** What a players' process is told makes it answer what the origin would. */

const id = 'ch-1';
const spec = { gopDurationTicks: 180_000, framesPerSecond: 25 } as const;
const PARTIAL_MS = 500;
const health: MediaHealth = {
  ...{ status: 'ok', channels: 1, damaged: [] },
  storage: { state: 'ok', sinceMs: null, message: null, affected: [] },
};

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'player-feed-'))));
const opened: ChannelMedia[] = [];
afterEach(async () => {
  for (const media of opened.splice(0)) await media.close();
  rmSync(root, { recursive: true, force: true });
});

const rendition = { name: 'r', bytes: 4, sha256: 'a', widthPx: 2, heightPx: 2, codecs: 'avc1' };
const recordOf = (gop: number): LedgerRecord => ({
  ...{ gop, token: 1, encoderId: 'e', sessionId: 's', publishedAtMs: gop * 2_000, sealedAtMs: gop },
  ...{ programDateTimeMs: gop * 2_000, discontinuities: 0 },
  renditions: [{ ...rendition, parameterSets: String(gop) }],
});

interface Shown {
  media: ChannelMedia;
  partials: PartialSegments;
  state: PlayedState;
  channel: PlayedChannel<ChannelMedia>;
}

const shownAt = async (folder: string, records: LedgerRecord[] = []): Promise<Shown> => {
  const store = new SegmentStore(join(root, folder));
  await store.load(() => true);
  const ledger = new Ledger(join(root, `${folder}.jsonl`), 10_000, records, true);
  const limits = { retentionMs: 20_000, retentionBytes: 2 ** 30, keptRecords: 10_000 };
  const media = new ChannelMedia(ledger, store, limits, () => 0);
  opened.push(media);
  const partials = new PartialSegments(PARTIAL_MS);
  media.partials = partials;
  const state = { ...spec, onAir: true, isCurrent: true, token: 1, hasOwner: true, nextGop: 0 };
  media.publishingToken = () => (state.hasOwner ? state.token : null);
  return { media, partials, state, channel: new PlayedChannel(id, media, () => state) };
};

/** An origin, and a process that is told of it. */
class Told {
  readonly sent: ToPlayers[] = [];
  readonly mirror = new Mirror(PARTIAL_MS, new SegmentCache(2 ** 20));
  readonly unusable = new Map<string, SwarmError>();
  readonly feed: PlayerFeed;
  /** Takes nothing meanwhile. */
  isStuck = false;

  constructor(public shown: Shown | undefined) {
    const channelNow = (): PlayedChannel<ChannelMedia> | undefined => this.shown?.channel;
    const origin: FollowedOrigin = {
      unusable: this.unusable,
      get playedIds() {
        return channelNow() ? [id] : [];
      },
      played: channelNow,
    };
    const follow = (): void => this.feed.follow(id);
    if (shown) shown.media.follow = follow;
    this.feed = new PlayerFeed(origin, () => health, (message) => this.take(message)); // prettier-ignore
  }

  replace(shown: Shown | undefined): void {
    this.shown = shown;
    if (shown) shown.media.follow = () => this.feed.follow(id);
    this.feed.follow(id);
  }

  goOn(): void {
    this.isStuck = false;
    this.feed.taken();
  }

  private take(message: ToPlayers): void {
    this.sent.push(message);
    // As between processes.
    const taken = deserialize(serialize(message)) as ToPlayers;
    if (taken.kind === 'news') this.mirror.take(taken.news);
    if (taken.kind === 'ahead') this.mirror.takeAhead(taken.id, taken.records, taken.isFirst);
    if (!this.isStuck) this.feed.taken();
  }
}

const factsOf = ({ media, state }: PlayedChannel<ListedMedia>, gops: number): unknown => ({
  state,
  records: media.ledger.range(0, Infinity),
  stored: Array.from({ length: gops }, (_, gop) => media.has(gop)),
  oldestGop: media.oldestGop,
  open: media.partials?.open,
  whole: [...(media.partials?.wholeGops ?? [])],
  publishing: media.publishingToken(),
});

test('after any history a process knows what the origin does', async () => {
  const seed = 7;
  const random = seededRandom(seed);
  const pick = (below: number): number => Math.floor(random() * below);
  const told = new Told(await shownAt('a'));
  let gop = 0;
  for (let step = 0; step < 400; step += 1) {
    const { media, partials, state } = told.shown!;
    const what = pick(13);
    if (what < 5) {
      await media.store(recordOf(gop), Buffer.from('GOP.'));
      if (partials.open?.gop === gop) partials.completed(partials.open, [4], spec);
      gop += 1;
    } else if (what < 8) {
      const known = partials.open?.gop === gop ? partials.open : null;
      const startTicks = known?.partials.at(-1)?.endTicks ?? gop * 180_000;
      const next = { token: 1, startTicks, endTicks: startTicks + 45_000, independent: true };
      const at = known?.partials.length ?? 0;
      // One in four of another encode, which goes on from there.
      const isSame = known !== null && pick(4) > 0;
      const encode = isSame
        ? { run: known.run, ownFrom: known.ownFrom }
        : { run: `run-${step}`, ownFrom: at };
      partials.add(
        {
          ...{ gop, token: 1, ...encode, announced: recordOf(gop) },
          renditions: [{ name: 'r', bytes: 1 }],
          bytes: [[...(known?.bytes[0] ?? []), Buffer.from(`${step}`)]],
          partials: [...(known?.partials ?? []), { ...next, places: [{ fromByte: at, toByte: at + 1 }] }],
        },
        1,
      );
      media.changed();
    } else if (what === 8) {
      partials.withdraw();
      const gap = { fromGop: gop, toGop: (gop += 1 + pick(3)), token: 1, reason: 'lost' };
      await media.recordGap(gap, 180_000, 0);
    } else if (what === 9) {
      state.token += 1;
      state.hasOwner = !state.hasOwner;
      media.changed();
    } else if (what === 10) await media.expire(spec);
    else if (what === 11) {
      await media.truncateFrom((gop = Math.max(0, gop - 2)));
      partials.clear();
      media.changed();
    } else told.replace(await shownAt(`of-${step}`));
    told.shown!.state.nextGop = gop;
    await turn();
    await turn();
    const what_ = `step ${step} of seed ${seed}`;
    expect([what_, factsOf(told.mirror.channel(id), gop)]).toEqual([
      what_,
      factsOf(told.shown!.channel, gop),
    ]);
  }
  told.feed.end();
});

test('a long ledger is told in pieces, of which players see nothing before the last', async () => {
  const told = new Told(
    await shownAt(
      'long',
      Array.from({ length: 1_000 }, (_, gop) => recordOf(gop)),
    ),
  );
  await until('all is told', () => told.mirror.health !== undefined);
  expect(told.sent.map(({ kind }) => kind)).toEqual(['ahead', 'ahead', 'ahead', 'news']);
  expect(factsOf(told.mirror.channel(id), 0)).toEqual(factsOf(told.shown!.channel, 0));
  // Another ledger, in the midst of being told: what was told ahead of the one before does not count.
  told.isStuck = true;
  told.replace(
    await shownAt(
      'longer',
      Array.from({ length: 600 }, (_, gop) => recordOf(gop)),
    ),
  );
  await until('the first piece is told', () => told.sent.length === 5);
  told.replace(await shownAt('short', [recordOf(3)]));
  told.goOn();
  await until('it is told', () => told.sent.length === 6);
  expect(factsOf(told.mirror.channel(id), 0)).toEqual(factsOf(told.shown!.channel, 0));
  told.feed.end();
});

test('a process that takes nothing is told nothing more, and all of it later', async () => {
  const told = new Told(await shownAt('a'));
  await until('it is begun with', () => told.mirror.health !== undefined);
  told.isStuck = true;
  const { media } = told.shown!;
  for (let gop = 0; gop < 20; gop += 1) {
    await media.store(recordOf(gop), Buffer.from('GOP.'));
    await turn();
  }
  expect(told.sent).toHaveLength(2);
  expect(told.feed.waitsMs).toBeGreaterThan(0);
  told.goOn();
  await until('it is told', () => told.sent.length === 3);
  expect(told.feed.waitsMs).toBe(0);
  expect(factsOf(told.mirror.channel(id), 20)).toEqual(factsOf(told.shown!.channel, 20));
  told.feed.end();
});

test('what no channel says of itself is told within a second', async () => {
  const told = new Told(await shownAt('a'));
  await until('it is begun with', () => told.mirror.health !== undefined);
  told.shown!.state.isCurrent = false;
  await until('it is refused', () => !told.mirror.channel(id).state.isCurrent);
  expect(() => told.mirror.channel(id).masterPlaylist()).toThrow('is being filled');
  told.unusable.set('ch-2', new SwarmError('unavailable', 'ch-2 can not be read.', 'Mend it.'));
  const refusal = (): string => {
    try {
      told.mirror.channel('ch-2');
      return '';
    } catch (error) {
      return (error as SwarmError).message;
    }
  };
  await until('its damage is known', () => refusal() === 'ch-2 can not be read.');
  // Whoever waits learns that the channel is gone.
  const { media } = told.mirror.channel(id);
  const waiting = media.changes.next(new AbortController().signal);
  told.replace(undefined);
  await waiting;
  expect(() => told.mirror.channel(id)).toThrow('no channel ch-1');
  told.feed.end();
});

test('a segment that many want is read once; another GOP of its number is read anew', async () => {
  const told = new Told(await shownAt('a'));
  const { media } = told.shown!;
  await media.store(recordOf(0), Buffer.from('GOP.'));
  await until('it is told', () => told.mirror.health !== undefined && told.mirror.channel(id).media.has(0));
  const whole = (): Promise<Buffer> | null => told.mirror.channel(id).segment('r', 0).whole!();
  const first = whole();
  expect(whole()).toBe(first);
  expect(String(await first)).toBe('GOP.');
  await media.truncateFrom(0);
  await media.store(recordOf(0), Buffer.from('NEW.'));
  const { media: mirrored } = told.mirror.channel(id);
  await until('the new one is there', async () => mirrored.has(0) && String(await whole()) === 'NEW.');
  told.feed.end();
});

test('segments are kept within a bound, the one asked for last the longest', async () => {
  const cache = new SegmentCache(8);
  const read: string[] = [];
  const get = (name: string, bytes = 2): Promise<Buffer> | null =>
    cache.get(name, bytes, () => {
      read.push(name);
      return name === 'gone' ? Promise.reject(new Error('gone')) : Promise.resolve(Buffer.from(name));
    });
  for (const name of ['a', 'b', 'c', 'd', 'a', 'e', 'a', 'b']) await get(name);
  expect(read).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
  expect(cache.keptBytes).toBe(8);
  expect(get('long', 3)).toBeNull();
  await expect(get('gone')).rejects.toThrow('gone');
  await expect(get('gone')).rejects.toThrow('gone');
  expect(read.filter((name) => name === 'gone')).toHaveLength(2);
  expect(cache.keptBytes).toBe(6);
});
