import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  TransportStreamReader,
  moveSplice,
  packetsOfSection,
  parseTables,
  wrapTicks,
  writeTables,
  type PesUnit,
  type ProgrammeTables,
} from '../../src/media/mpegts';
import { SpliceCarrier } from '../../src/media/source/splice-carrier';
import { SPLICE_INSERT, SPLICE_PID, longSplice } from '../mpegts/splice-messages';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { framesOf, makeInputFiles, picture, specOf, tone, type InputFiles } from './inputs';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

const SCTE_35 = 0x86;
const PICTURES_PER_MESSAGE = 30;

let files: InputFiles;
makeInputFiles((made) => (files = made));

interface Message {
  /** DTS of the picture before it. */
  ticks: number;
  section: Buffer;
}

const sectionIn = (packets: Buffer): Buffer => {
  const payload: Buffer[] = [];
  for (let at = 0; at < packets.length; at += 188) payload.push(packets.subarray(at + 4, at + 188));
  const bytes = Buffer.concat(payload).subarray(1);
  return bytes.subarray(0, 3 + (bytes.readUInt16BE(1) & 0x0fff));
};

/** Messages of a stream, and its tables. */
const messagesIn = (stream: Buffer): { messages: Message[]; tables: ProgrammeTables; units: PesUnit[] } => {
  const messages: Message[] = [];
  const units: PesUnit[] = [];
  let tables: ProgrammeTables | undefined;
  const reader = new TransportStreamReader({
    onUnit: (unit) => {
      units.push(unit);
      if (unit.streamType !== SCTE_35) return;
      messages.push({ ticks: unit.ptsTicks, section: sectionIn(unit.packets) });
    },
    onTables: (packets) => (tables = parseTables(packets)),
  });
  reader.push(stream);
  reader.flush();
  return { messages, tables: tables!, units };
};

/** A stream with a message after each thirtieth picture; every second one is longer than a packet. */
const withMessages = (clip: Buffer, descriptors: Buffer): Buffer => {
  const out: Buffer[] = [];
  let pictures = 0;
  const reader = new TransportStreamReader({
    onTables: (packets) => {
      const tables = parseTables(packets);
      const marks = { pid: SPLICE_PID, streamType: SCTE_35, kind: 'other' as const };
      const streams = [...tables.streams, { ...marks, descriptors: Buffer.alloc(0) }];
      out.push(writeTables({ ...tables, descriptors, streams }));
    },
    onUnit: ({ kind, packets }) => {
      out.push(packets);
      if (kind !== 'video' || ++pictures % PICTURES_PER_MESSAGE !== 0) return;
      const isLong = (pictures / PICTURES_PER_MESSAGE) % 2 === 0;
      out.push(packetsOfSection(isLong ? longSplice() : SPLICE_INSERT, SPLICE_PID));
    },
  });
  reader.push(clip);
  reader.flush();
  return Buffer.concat(out);
};

describe('SCTE-35 of an MPEG-TS input', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('all', (r, s) => {
    relay = r;
    source = s;
  });

  const REGISTRATION = Buffer.from([0x05, 4, ...Buffer.from('CUEI')]);
  it.each([
    ['file that registers it', REGISTRATION, false],
    ['URL that does not', Buffer.alloc(0), true],
  ])('of a %s comes, and stays at its picture', async (_what, descriptors, isRemote) => {
    const id = isRemote ? 'remote' : 'file';
    const clip = await files.make(
      `${id}.ts`,
      ...[...picture('160x90', 25, 3), ...tone(3), '-c:v', 'libx264', '-preset', 'ultrafast'],
      ...['-bf', '2', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest'],
      // So that each picture is known to have ended before the message that follows it.
      ...['-omit_video_pes_length', '0'],
    );
    const bytes = withMessages(await readFile(clip), descriptors);
    const marked = await files.write(`${id}-marked.ts`, bytes);
    const given = messagesIn(bytes).messages;
    expect(given).toHaveLength(2);
    const server = createServer((_req, res) => res.end(bytes));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = isRemote ? `http://127.0.0.1:${(server.address() as AddressInfo).port}/marked.ts` : marked;

    const { notes } = await source.put(id, specOf(url));
    expect(notes).toEqual([]);
    const feed = await fetch(relay.feedUrl(id, 0));
    // Two passes of 3 s; a URL of no known length ends after one.
    const ledgers = [];
    for (let gop = 0; gop < (isRemote ? 2 : 6); gop++) ledgers.push(await relay.ledger(id, gop, 10_000));
    await source.remove(id);
    server.closeAllConnections();
    server.close();
    expect(ledgers.map((l) => l.ptsTicks)).toEqual(ledgers.map((_l, gop) => framesOf(gop)));

    const { messages, tables, units } = messagesIn(Buffer.from(await feed.arrayBuffer()));
    expect(tables.streams.map(({ streamType }) => streamType)).toContain(SCTE_35);
    expect(tables.descriptors.includes(REGISTRATION)).toBe(true);
    expect(messages.length).toBeGreaterThanOrEqual(isRemote ? 1 : 4);
    for (const [i, { ticks, section }] of messages.entries()) {
      const { ticks: wasTicks, section: wasSection } = given[i % 2]!;
      // The message at its time before, moved as the picture was, is the message as it came out.
      const expected = Buffer.from(wasSection);
      expect(moveSplice(expected, wrapTicks(ticks - wasTicks))).toBe(true);
      expect(section.equals(expected)).toBe(true);
    }
    // At the picture, in the order of the stream, too.
    const pictures = units.filter(({ kind }) => kind === 'video');
    const before = (message: Message): number =>
      pictures.findIndex(({ dtsTicks }) => dtsTicks === message.ticks);
    const places = [29, 59, 75 + 29, 75 + 59].slice(0, isRemote ? 1 : 4);
    expect(messages.slice(0, places.length).map(before)).toEqual(places);
  });
});

describe('the carrier of messages', () => {
  it('passes on all else as it is, however it is cut', async () => {
    const clip = await readFile(
      await files.make('plain.ts', ...picture('160x90', 25, 1), ...tone(1), '-shortest'),
    );
    const carrier = new SpliceCarrier();
    const out: Buffer[] = [];
    for (let at = 0; at < clip.length; at += 1_000) out.push(carrier.push(clip.subarray(at, at + 1_000)));
    const [before, after] = [clip, Buffer.concat(out)].map((bytes) => messagesIn(bytes).units);
    expect(after!.map(({ packets }) => packets)).toEqual(before!.map(({ packets }) => packets));
  });

  it('finds packets with a time of arrival in front of each', async () => {
    const clip = await readFile(await files.make('timed.ts', ...picture('160x90', 25, 1)));
    const timed: Buffer[] = [];
    // Some of the times hold 0x47, as the start of a packet does.
    for (let at = 0; at < clip.length; at += 188)
      timed.push(Buffer.from([0, (at / 188) % 256, 0, 0]), clip.subarray(at, at + 188));
    const out = new SpliceCarrier().push(Buffer.concat(timed));
    expect(messagesIn(out).units.filter(({ kind }) => kind === 'video')).toHaveLength(25);
  });
});
