import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RelayClient } from '../../src/contracts/relay';
import {
  STREAM_TYPE_SCTE_35,
  TransportStreamReader,
  packetsOfSection,
  parseTables,
  readCutMark,
  spliceInsertSection,
  writeTables,
  type CutMark,
} from '../../src/media/mpegts';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { SPLICE_PID } from '../mpegts/splice-messages';
import { until } from '../support/until';
import { RelayUnderTest, type Ingest } from './relay-under-test';

const SECOND = 90_000;
/** First picture of the clip on its own clock. */
const BASE = 10 * SECOND;
const SECONDS = 12;

let relay: RelayUnderTest;
let client: RelayClient;
beforeEach(async () => {
  relay = await RelayUnderTest.start();
  client = new RelayClient(relay.url);
  await relay.put('ch-1', SECOND);
});
afterEach(() => relay.stop());

const clip = makeClip('ffmpeg', {
  seconds: SECONDS,
  // So that each picture is known to have ended before the message that follows it.
  muxer: ['-omit_video_pes_length', '0'],
});

/** The clip with messages, each behind the first picture from a second of it on. */
const withMessages = (messages: { after: number; section: Buffer }[]): Buffer => {
  const out: Buffer[] = [];
  const due = [...messages];
  const reader = new TransportStreamReader({
    onTables: (packets) => {
      const tables = parseTables(packets);
      const entry = { pid: SPLICE_PID, streamType: STREAM_TYPE_SCTE_35, kind: 'other' as const };
      out.push(
        writeTables({ ...tables, streams: [...tables.streams, { ...entry, descriptors: Buffer.alloc(0) }] }),
      );
    },
    onUnit: ({ packets, ptsTicks }) => {
      out.push(packets);
      while (due[0] && ptsTicks >= BASE + due[0].after * SECOND)
        out.push(packetsOfSection(due.shift()!.section, SPLICE_PID));
    },
  });
  reader.push(clip);
  reader.flush();
  return Buffer.concat(out);
};
const at = (seconds: number): number => BASE + seconds * SECOND;
const broken = (): Buffer => {
  const section = spliceInsertSection({ eventId: 9, out: true, ptsTicks: at(5) });
  section[15]! ^= 1;
  return section;
};

/** The cut marks of a feed. */
const marksOf = async (fromGop: number): Promise<CutMark[]> => {
  const feed = await fetch(relay.feedUrl('ch-1', fromGop));
  const bytes = Buffer.from(await feed.arrayBuffer());
  const marks: CutMark[] = [];
  for (let packet = 0; packet < bytes.length; packet += 188)
    marks.push(...([readCutMark(bytes.subarray(packet, packet + 188))].filter(Boolean) as CutMark[]));
  return marks;
};

test('messages of the contribution become cuts and splices of the ledgers, on channel time', async () => {
  const insert = spliceInsertSection({
    ...{ eventId: 7, out: true, ptsTicks: at(4.4), durationTicks: 3 * SECOND },
  });
  const ingest = relay.ingest('ch-1');
  ingest.write(
    withMessages([
      { after: 0.5, section: broken() },
      { after: 1, section: insert },
      // Said again, as senders do.
      { after: 2, section: insert },
    ]),
  );
  const reading = marksOf(5);
  await until('sealed', async () => (await relay.info('ch-1')).lastSealedGop === 10);
  ingest.end();
  await ingest.answer;
  const ledgers = await relay.ledgers('ch-1', 0, 11);
  expect(ledgers.flatMap(({ gop, cutTicks }) => (cutTicks ? [[gop, ...cutTicks]] : []))).toEqual([
    [4, 396_000],
    [7, 666_000],
  ]);
  expect(ledgers.flatMap(({ gop, splices }) => (splices ? [gop] : []))).toEqual([4, 5, 6, 7]);
  expect(ledgers[4]!.splices).toMatchObject([{ eventId: 7, atTicks: 396_000, plannedTicks: 3 * SECOND }]);
  // The message as it stands in the segments: moved with their clock.
  const { command } = ledgers[4]!.splices![0]!;
  expect(command).not.toBe(insert.toString('hex'));
  expect((await relay.info('ch-1')).splices).toEqual({ taken: 2, setAside: 1 });
  // A feed that begins later is told of the cuts that it will need, and no others.
  expect(await reading).toEqual([{ fromTicks: 5 * SECOND, cutTicks: [666_000] }]);
});

/** A live contribution: its first seconds, and the rest when it is asked for. */
const begin = async (seconds: number): Promise<{ ingest: Ingest; rest: () => void }> => {
  const cut = Math.floor((clip.length * seconds) / SECONDS / 188) * 188;
  const ingest = relay.ingest('ch-1');
  ingest.write(clip.subarray(0, cut));
  await until('sealed', async () => ((await relay.info('ch-1')).lastSealedGop ?? 0) >= seconds - 3);
  return {
    ingest,
    rest: () => {
      ingest.write(clip.subarray(cut));
      ingest.end();
    },
  };
};

test('a splice of an operator is told to feeds at once, and is in the ledger', async () => {
  const { ingest, rest } = await begin(5);
  const reading = marksOf(1);
  const set = await client.splice('ch-1', { kind: 'out', inMs: 3_000, durationMs: 1_000 });
  rest();
  await ingest.answer;
  const cut = Math.ceil((set.atTicks - 180) / 3_600) * 3_600;
  const { cutTicks, splices } = await relay.ledger('ch-1', Math.floor(cut / SECOND));
  expect(cutTicks).toContain(cut);
  expect(splices).toMatchObject([{ id: set.id, atTicks: cut }]);
  expect((await reading)[0]!.cutTicks).toEqual([set.atTicks, set.endTicks]);
});

test('it outlives the relay; a damaged file of splices is set aside', async () => {
  const { ingest } = await begin(5);
  const set = await client.splice('ch-1', { kind: 'out', inMs: 60_000 });
  const path = join(relay.stateDir, 'relay', 'ch-1', 'splices.json');
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ splices: [set] });
  await relay.pause();
  await ingest.answer.catch(() => undefined);
  await relay.resume();
  const again = relay.ingest('ch-1');
  again.write(clip);
  await until('it sends', async () => (await relay.info('ch-1')).openGop !== null);
  await expect(client.splice('ch-1', { kind: 'out', eventId: set.eventId })).rejects.toMatchObject({
    code: 'conflict',
  });
  await relay.pause();
  await again.answer.catch(() => undefined);
  await writeFile(path, '{"splices":7}');
  await relay.resume();
  expect(await relay.info('ch-1')).toMatchObject({ id: 'ch-1' });
});

test('without a picture there is no time to name', async () => {
  await expect(client.splice('ch-1', { kind: 'out' })).rejects.toMatchObject({ code: 'conflict' });
  await expect(client.splice('ch-2', { kind: 'out' })).rejects.toMatchObject({ code: 'unknown-channel' });
  const wrong = client.splice('ch-1', { kind: 'out', inMs: -1 });
  await expect(wrong).rejects.toMatchObject({ code: 'bad-request' });
});
