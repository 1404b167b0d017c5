import {
  TransportStreamReader,
  parseTables,
  retimePackets,
  writeTables,
  type PesUnit,
} from '../../src/media/mpegts';
import { makeClip } from './ffmpeg-clips';
import { SPLICE_INSERT, SPLICE_PID, splicePacket } from './splice-messages';

/** CRC-32/MPEG-2, bit by bit. */
const crc = (bytes: Buffer): number => {
  let value = 0xffffffff;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const top = (value >>> 31) ^ ((byte >> bit) & 1);
      value = ((value << 1) ^ (top ? 0x04c11db7 : 0)) >>> 0;
    }
  return value;
};

const sectionIn = (packet: Buffer): Buffer => packet.subarray(5, 5 + SPLICE_INSERT.length);
const adjustmentIn = (packet: Buffer): number => (packet[9]! & 1) * 2 ** 32 + packet.readUInt32BE(10);

test('the message of the standard is intact here', () => {
  expect(crc(SPLICE_INSERT)).toBe(0);
});

test.each([1, 900_000, 2 ** 32 + 7, 2 ** 33 - 1, -5])(
  'its time moves by %d ticks with the clock',
  (ticks) => {
    const packet = splicePacket();
    retimePackets(packet, ticks);
    expect(adjustmentIn(packet)).toBe(ticks < 0 ? 2 ** 33 + ticks : ticks);
    expect(crc(sectionIn(packet))).toBe(0);
    retimePackets(packet, -ticks);
    expect(packet.equals(splicePacket())).toBe(true);
  },
);

test('a damaged message, and other sections, are left as they are', () => {
  const damaged = splicePacket();
  damaged[20]! ^= 1;
  const other = splicePacket();
  other[5] = 0xc8;
  for (const packet of [damaged, other]) {
    const before = Buffer.from(packet);
    retimePackets(packet, 1234);
    expect(packet.equals(before)).toBe(true);
  }
});

test('a reader gives a message as a unit, at the time of the picture before it', () => {
  const clip = makeClip('ffmpeg', { seconds: 1 });
  const units: PesUnit[] = [];
  let tables = Buffer.alloc(0);
  new TransportStreamReader({
    onUnit: (unit) => units.push(unit),
    onTables: (packets) => (tables = Buffer.from(packets)),
  }).push(clip);
  const own = parseTables(tables);
  const entry = { pid: SPLICE_PID, streamType: 0x86, kind: 'other' as const, descriptors: Buffer.alloc(0) };
  const stream = Buffer.concat([
    writeTables({ ...own, streams: [...own.streams, entry] }),
    // Before the first picture there is no time for it.
    splicePacket(),
    ...units.slice(0, 3).map((unit) => unit.packets),
    splicePacket(),
    ...units.slice(3, 6).map((unit) => unit.packets),
  ]);
  const read: PesUnit[] = [];
  const reader = new TransportStreamReader({ onUnit: (unit) => read.push(unit) });
  reader.push(stream);
  reader.flush();
  const messages = read.filter(({ kind }) => kind === 'other');
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatchObject({ pid: SPLICE_PID, streamType: 0x86, keyframe: false });
  expect([units[1]!.dtsTicks, units[2]!.dtsTicks]).toContain(messages[0]!.ptsTicks);
  expect(messages[0]!.packets.equals(splicePacket())).toBe(true);
});
