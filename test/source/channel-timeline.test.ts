import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RelayClient } from '../../src/contracts/relay';
import { gopStartTicks } from '../../src/domain';
import { TransportStreamReader, type PesUnit } from '../../src/media/mpegts';
import { ChannelTimeline, firstGopOf } from '../../src/media/source/channel-timeline';
import { ContributionSpool } from '../../src/media/source/contribution-spool';
import { GopNumberFile } from '../../src/media/source/gop-number-file';
import { RelayLink } from '../../src/media/source/relay-link';
import { quietLog } from '../encoder/support/test-host';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { RelayUnderTest } from '../relay/relay-under-test';
import { until } from '../support/until';

/**
 * One channel and two relays: what the input brings is put into the spool by the test. The pictures are reordered, refer
 * across keyframes, and those stand at no start of a GOP.
 */

const D = 90_000;
const FRAME = 3_600;
const OPEN_GOPS = 'open-gop=1:scenecut=0:b-adapt=0:keyint=37:min-keyint=37';
const video = ['-c:v', 'libx264', '-bf', '2', '-g', '37', '-x264-params', OPEN_GOPS];

const unitsOf = (clip: Buffer): { unit: PesUnit; tables: Buffer }[] => {
  const units: { unit: PesUnit; tables: Buffer }[] = [];
  let tables: Buffer = Buffer.alloc(0);
  const reader = new TransportStreamReader({
    onUnit: (unit) => units.push({ unit, tables }),
    onTables: (packets) => {
      if (!packets.equals(tables)) tables = packets;
    },
  });
  reader.push(clip);
  reader.flush();
  return units;
};
const clip = makeClip('ffmpeg', { seconds: 12, video, audio: ['-c:a', 'aac'] });

let folder: string;
let relays: RelayUnderTest[];
let timeline: ChannelTimeline;
let spool: ContributionSpool;
let units: { unit: PesUnit; tables: Buffer }[];
let pushed: number;
const cleanUp: (() => void)[] = [];

const links = (): RelayLink[] => relays.map(({ url }, i) => new RelayLink(`relay-${i + 1}`, url));
const open = (all = links()): ChannelTimeline =>
  new ChannelTimeline({
    ...{ id: 'ch-1', gopDurationTicks: D, relays: all, log: quietLog },
    file: new GopNumberFile(folder, 'ch-1', quietLog),
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timeline-'));
  relays = [await RelayUnderTest.start(), await RelayUnderTest.start()];
  timeline = open();
  spool = new ContributionSpool();
  units = unitsOf(clip);
  pushed = 0;
});
afterEach(async () => {
  await timeline.close();
  for (const end of cleanUp.splice(0)) end();
  for (const relay of relays) await relay.stop();
  await rm(folder, { recursive: true, force: true });
});

const begin = async (): Promise<number> => {
  const { nextGop } = await timeline.resume(new AbortController().signal);
  timeline.begin(spool, spool.oldest);
  return nextGop;
};

/** Brings what the clip has up to a second of it. */
const bring = (seconds: number): void => {
  const until33 = 10 * 90_000 + seconds * 90_000;
  while (pushed < units.length && units[pushed]!.unit.dtsTicks < until33) {
    const { unit, tables } = units[pushed++]!;
    spool.push({ ...unit, packets: Buffer.from(unit.packets) }, tables);
  }
};

const sealed = (relay: RelayUnderTest, gop: number): Promise<void> => relay.untilSealed('ch-1', gop);

const bothSealed = (gop: number): Promise<unknown> => Promise.all(relays.map((relay) => sealed(relay, gop)));

/** Both relays have GOPs 0 and 1. */
const beginAtBoth = async (): Promise<void> => {
  await begin();
  bring(3);
  await bothSealed(1);
};

/** The second relay is away from then on, and the first one has GOPs up to 4. */
const beginWithoutSecond = async (): Promise<void> => {
  await beginAtBoth();
  await relays[1]!.pause();
  bring(6);
  await sealed(relays[0]!, 4);
};

/** What a feed brings of pictures presented in some GOPs: times and bytes, in their order. */
const picturesOf = async (relay: RelayUnderTest, from: number, to: number): Promise<string[]> => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 5_000);
  const response = await fetch(relay.feedUrl('ch-1', from), { signal: abort.signal });
  const pictures: string[] = [];
  const reader = new TransportStreamReader({
    onUnit: ({ kind, ptsTicks, packets }) => {
      const ticks = ptsTicks - 100 * 90_000;
      if (kind === 'video' && ticks < (to - from) * D)
        pictures.push(`${ticks} ${packets.toString('base64')}`);
      if (kind === 'video' && ticks > (to - from) * D + 5 * FRAME) abort.abort();
    },
  });
  try {
    for await (const chunk of response.body! as unknown as AsyncIterable<Uint8Array>)
      reader.push(Buffer.from(chunk));
  } catch {
    // Enough was read.
  }
  clearTimeout(timer);
  return pictures.filter((text) => Number(text.split(' ')[0]) >= 0);
};

/** Both relays tell and give the same of some GOPs. */
const areAlike = async (from: number, to: number): Promise<void> => {
  const [one, other] = await Promise.all(relays.map((relay) => relay.ledgers('ch-1', from, to)));
  const told = (ledgers: typeof one) =>
    ledgers!.map(({ gop, ptsTicks, sha256 }) => ({ gop, ptsTicks, sha256 }));
  expect(one!.map(({ gop }) => gop)).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
  expect(told(other)).toEqual(told(one));
  expect(one!.flatMap(({ ptsTicks }) => ptsTicks)).toEqual(
    Array.from({ length: (to - from) * 25 }, (_, i) => gopStartTicks(from, D) + i * FRAME),
  );
  for (const gop of [from, to - 1]) {
    const [a, b] = await Promise.all(relays.map((relay) => picturesOf(relay, gop, gop + 1)));
    expect(a).toHaveLength(25);
    expect(b).toEqual(a);
  }
};

test('two relays have the same GOPs, by number, time and byte', async () => {
  expect(await begin()).toBe(0);
  bring(7);
  await bothSealed(5);
  await areAlike(0, 6);
});

test('one that is away for a while, and one that lost its disk, have what the source still keeps', async () => {
  await beginWithoutSecond();
  await relays[1]!.resume();
  await bothSealed(4);
  await areAlike(0, 5);

  await relays[1]!.stop();
  relays[1] = await RelayUnderTest.start({ port: Number(new URL(relays[1]!.url).port) });
  bring(9);
  await bothSealed(7);
  await areAlike(0, 8);
  // The order of decoding across the place where it joined is on the disk, too.
  await Promise.all(relays.map((relay) => relay.restart()));
  bring(11);
  await bothSealed(9);
  await areAlike(0, 10);
});

test('a relay that joins late begins with the first GOP that is still kept', async () => {
  spool = new ContributionSpool(() => 90_000);
  await relays[1]!.pause();
  await begin();
  bring(9);
  await sealed(relays[0]!, 7);
  await relays[1]!.resume();
  await bothSealed(7);
  const { oldestGop } = await relays[1]!.info('ch-1');
  expect(oldestGop).toBeGreaterThan(0);
  expect(oldestGop).toBeLessThan(8);
  await areAlike(oldestGop!, 8);
  await expect(relays[1]!.ledger('ch-1', oldestGop! - 1, 0)).rejects.toMatchObject({ code: 'gop-left-ring' });
});

test('an input that follows another begins with the GOP that was open, and a jump of its clock a GOP anew', async () => {
  await beginAtBoth();
  timeline.end();
  expect(timeline.here).toEqual({ nextGop: 2, resumeSourceTicks: 12 * 90_000 });
  spool = new ContributionSpool();
  // 12 s, and then what came 500 s later, of which the first pictures have no keyframe.
  const later = unitsOf(makeClip('ffmpeg', { seconds: 6, video, startSeconds: 500 }));
  units = [...unitsOf(clip), ...later.slice(40)];
  pushed = 0;
  timeline.begin(spool, 0);
  bring(1_000);
  // GOPs 2 to 12 of its 12 s; then two of the 3 s from the third keyframe behind the jump on.
  await bothSealed(14);
  await areAlike(0, 15);
});

test('a source that starts again goes on with the numbers of the last run', async () => {
  await beginWithoutSecond();
  await timeline.close();

  // Only the relay that was away is there: it has been told less than the other.
  await relays[0]!.pause();
  await relays[1]!.resume();
  timeline = open();
  spool = new ContributionSpool();
  [units, pushed] = [unitsOf(clip), 0];
  expect(await begin()).toBe(5);
  bring(3);
  await sealed(relays[1]!, 6);
  await relays[0]!.resume();
  await bothSealed(6);
  await areAlike(5, 7);
  // GOPs that it never had are with the other one alone.
  await expect(relays[1]!.ledger('ch-1', 4, 0)).rejects.toMatchObject({ code: 'gop-left-ring' });
  expect((await relays[0]!.ledger('ch-1', 4, 0)).gop).toBe(4);
});

test('a relay that takes nothing holds up no other', async () => {
  await timeline.close();
  const sockets: Socket[] = [];
  const deaf: Server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    deaf.close();
  });
  const { port } = deaf.address() as { port: number };
  timeline = open([links()[0]!, new RelayLink('deaf', `http://127.0.0.1:${port}`)]);
  await begin();
  bring(9);
  await sealed(relays[0]!, 7);
  expect(timeline.error).toBeUndefined();
});

test('a relay that is ahead of what the source knows keeps its numbers', async () => {
  await begin();
  bring(4);
  await bothSealed(2);
  await relays[1]!.restartFrom('ch-1', { gopDurationTicks: D, nextGop: 40 });
  await until('the source has heard of it', () => timeline.here?.nextGop === 40);
  bring(11);
  await bothSealed(42);
  await areAlike(40, 43);
});

test("an operator's break is known to both relays, and to one that was away", async () => {
  await beginAtBoth();
  const client = new RelayClient(relays.map(({ url }) => url));
  const splice = await client.splice('ch-1', { kind: 'out', inMs: 2_500, durationMs: 60_000 });
  const known = (relay: RelayUnderTest) => new RelayClient(relay.url).splices('ch-1');
  expect(await Promise.all(relays.map(known))).toEqual([[splice], [splice]]);

  await relays[1]!.stop();
  relays[1] = await RelayUnderTest.start({ port: Number(new URL(relays[1]!.url).port) });
  bring(9);
  await bothSealed(7);
  const [one, other] = await Promise.all(relays.map((relay) => relay.ledgers('ch-1', 2, 8)));
  const cuts = one!.flatMap(({ cutTicks = [] }) => cutTicks);
  expect(cuts).toHaveLength(1);
  expect(other!.flatMap(({ cutTicks = [] }) => cutTicks)).toEqual(cuts);
});

test('the number to begin with', () => {
  // All relays answer: the last GOP that was noted may never have come to one.
  expect(firstGopOf([7, 6], 2, 8)).toBe(7);
  expect(firstGopOf([7, 6], 2, null)).toBe(7);
  // They have lost what they knew.
  expect(firstGopOf([0, 0], 2, 8)).toBe(8);
  // One does not answer.
  expect(firstGopOf([6], 2, 8)).toBe(8);
  expect(firstGopOf([9], 2, 8)).toBe(9);
});

test('what was sent when a channel ends has come to all relays', async () => {
  await beginAtBoth();
  bring(5);
  await timeline.close();
  await until('all contributions have ended', async () =>
    (await Promise.all(relays.map((relay) => relay.info('ch-1')))).every((info) => !info.ingestConnected),
  );
  expect(
    (await Promise.all(relays.map((relay) => relay.info('ch-1')))).map(({ nextGop }) => nextGop),
  ).toEqual([4, 4]);
});
