import {
  MalformedTransportStream,
  packetsOfSection,
  parseSplice,
  readCutMark,
  sectionsOf,
  spliceInsertSection,
  writeCutMark,
} from '../../src/media/mpegts';
import { crcOf } from '../../src/media/mpegts/tables';
import fc from '../support/fast-check';
import { SPLICE_INSERT, SPLICE_PID, TIME_SIGNAL_END, TIME_SIGNAL_START, longSplice } from './splice-messages';

/** Sums up a changed message anew, so that its content alone is wrong. */
const resealed = (section: Buffer): Buffer => {
  section.writeUInt32BE(crcOf(section.subarray(0, -4)), section.length - 4);
  return section;
};
const changed = (section: Buffer, change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(section);
  change(copy);
  return resealed(copy);
};

test('the examples of the standard say what it says of them', () => {
  expect(parseSplice(SPLICE_INSERT)).toEqual({
    ...{ command: 'insert', eventId: 0x4800008f, cancelled: false, out: true, autoReturn: true },
    ...{ ptsTicks: 0x07369c02e, durationTicks: 0x0052ccf5 },
  });
  expect(parseSplice(longSplice())).toEqual(parseSplice(SPLICE_INSERT));
  expect(parseSplice(TIME_SIGNAL_START)).toEqual({
    ...{ command: 'signal', ptsTicks: 0x072bd0050, cancelledEventIds: [] },
    segmentations: [{ eventId: 0x4800008e, typeId: 0x34, durationTicks: 0x0001a599b0 }],
  });
  expect(parseSplice(TIME_SIGNAL_END)).toMatchObject({
    segmentations: [{ eventId: 0x4800008e, typeId: 0x35 }],
  });
});

test('the adjustment of its clock is counted in, around the wrap', () => {
  const moved = changed(SPLICE_INSERT, (copy) => {
    copy[4] = 1;
    copy.writeUInt32BE(0xfffffff0, 5);
  });
  expect(parseSplice(moved)).toMatchObject({ ptsTicks: 0x07369c02e - 16 });
});

test('what is written is read, by us and as threefive (PyPI) reads it', () => {
  const given = { eventId: 1207959695, out: true, ptsTicks: 6231277614, durationTicks: 5426421 };
  // pts_time 69236.417933 s, break_duration 60.293567 s.
  expect(spliceInsertSection(given).toString('base64')).toBe(
    '/DAlAAAAAAAA///wFAVIAACPf+//c2nALv4AUsz1AAAAAAAATZ52ag==',
  );
  const holds = fc.property(
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.boolean(),
    fc.maxSafeNat(),
    fc.option(fc.integer({ min: 0, max: 2 ** 33 - 1 }), { nil: undefined }),
    (eventId, out, ptsTicks, durationTicks) => {
      const read = parseSplice(spliceInsertSection({ eventId, out, ptsTicks, durationTicks }));
      expect(read).toEqual({
        ...{ command: 'insert', eventId, cancelled: false, out, ptsTicks: ptsTicks % 2 ** 33 },
        ...{ autoReturn: durationTicks !== undefined, ...(durationTicks !== undefined && { durationTicks }) },
      });
    },
  );
  fc.assert(holds);
});

test.each([
  ['cut short', SPLICE_INSERT.subarray(0, -5)],
  ['of another table', changed(SPLICE_INSERT, (copy) => (copy[0] = 0xc0))],
  ['with a wrong checksum', Buffer.from(SPLICE_INSERT.map((byte, i) => (i === 20 ? byte ^ 1 : byte)))],
  ['of a later protocol', changed(SPLICE_INSERT, (copy) => (copy[3] = 1))],
  ['encrypted', changed(SPLICE_INSERT, (copy) => (copy[4] = 0x80))],
  ['of an unknown command', changed(SPLICE_INSERT, (copy) => (copy[13] = 0x42))],
  ['with a command of another length', changed(SPLICE_INSERT, (copy) => (copy[12] = 0x10))],
  ['with too long a descriptor', changed(TIME_SIGNAL_START, (copy) => (copy[22] = 0x60))],
  ['with descriptors that are cut short', changed(SPLICE_INSERT, (copy) => (copy[35] = 0xff))],
])('a message %s is malformed', (_what, section) => {
  expect(() => parseSplice(section)).toThrow(MalformedTransportStream);
});

test('any bytes are a message or malformed, never anything else', () => {
  const holds = fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isSealed) => {
    const section = Buffer.from([0xfc, 0x30, 0, ...bytes, 0, 0, 0, 0]);
    section[2] = section.length - 3;
    try {
      parseSplice(isSealed ? resealed(section) : section);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedTransportStream);
    }
  });
  fc.assert(holds);
});

test('sections are found in packets, also longer ones', () => {
  for (const section of [SPLICE_INSERT, longSplice()])
    expect(sectionsOf(packetsOfSection(section, SPLICE_PID))).toEqual([section]);
});

test('a mark of cuts is a null packet, and comes back', () => {
  const mark = { fromTicks: 90_000, cutTicks: [100_000, 2 ** 40] };
  const packet = writeCutMark(mark);
  expect(packet).toHaveLength(188);
  expect(packet.readUInt16BE(1)).toBe(0x1fff);
  expect(readCutMark(packet)).toEqual(mark);
  expect(readCutMark(writeCutMark({ fromTicks: 0, cutTicks: Array(60).fill(7) }))!.cutTicks.length).toBe(21);
  const stuffing = Buffer.alloc(188, 0xff);
  stuffing.set([0x47, 0x1f, 0xff, 0x10]);
  expect(readCutMark(stuffing)).toBeUndefined();
});
