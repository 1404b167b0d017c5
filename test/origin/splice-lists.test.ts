import type { types } from 'hls-parser';
import { parse as parseHls } from 'hls-parser';
import { Parser } from 'm3u8-parser';
import { parse as parseMpd } from 'mpd-parser';
import type { Splice } from '../../src/domain';
import { cmafPlaylist } from '../../src/media/origin/cmaf-playlists';
import { dashManifest } from '../../src/media/origin/dash-manifest';
import { mediaPlaylist } from '../../src/media/origin/playlists';
import type { LedgerRecord, RenditionRecord } from '../../src/media/origin/records';
import { gapRecords, publishedRecord } from '../../src/media/origin/timeline';

const SECOND = 90_000;
const GOP = 2 * SECOND;
const START_MS = Date.UTC(2026, 10, 30, 12);
const channel = { id: 'ch-1', gopDurationTicks: GOP, framesPerSecond: 25 };

const rendition: RenditionRecord = {
  ...{ name: '180p', bytes: 90_000, sha256: 'ab'.repeat(32), widthPx: 320, heightPx: 180 },
  ...{ codecs: 'avc1.4d400d,mp4a.40.2', parameterSets: '0123456789abcdef', videoBytes: 80_000 },
};
const sound = { track: 1, bytes: 8_000, format: { codecs: 'mp4a.40.2', configuration: 'fedcba9876543210' } };

const splice = (id: number, at: number, more: Partial<Splice> = {}): Splice => ({
  ...{ id: `insert-${id}`, kind: 'break', eventId: id, atTicks: at * SECOND, command: 'fc30' },
  ...more,
});

/** What each GOP is to have; null: a gap. */
type Given = { cuts?: number[]; splices?: Splice[] } | null;

const ledgerOf = (gops: Given[]): LedgerRecord[] =>
  gops.reduce<LedgerRecord[]>((records, given, gop) => {
    const previous = records.at(-1);
    const sealedAtMs = START_MS + (gop + 1) * 2_000;
    if (given === null) {
      const gap = { fromGop: gop, toGop: gop + 1, reason: 'lost', token: 1 };
      return [...records, ...gapRecords({ ...channel, gap, declaredAtMs: sealedAtMs, previous, atMost: 9 })];
    }
    const cutTicks = given.cuts?.map((seconds) => seconds * SECOND);
    const cuts = cutTicks?.map((ticks, i) => ({ ticks, byte: 18_800 * (i + 1) }));
    const record = publishedRecord({
      ...channel,
      ...{ sealedAtMs, publishedAtMs: sealedAtMs + 300, previous },
      previousPublished: records.findLast((r) => r.gapReason === undefined),
      attempt: { gop, token: 1, encoderId: 'enc-1', sessionId: 's' },
      renditions: [{ ...rendition, ...(cuts && { cuts }) }],
      sound: [{ ...sound, ...(cuts && { pieceBytes: [4_000, ...cuts.map(() => 0)] }) }],
      ...(cutTicks && { cutTicks }),
      ...(given.splices && { splices: given.splices }),
    });
    return [...records, record];
  }, []);

/** A break from second 3 to second 7.4, planned for 5. */
const out = splice(1, 3, { plannedTicks: 5 * SECOND });
const ended = { ...out, endTicks: 7.4 * SECOND, endCommand: 'fc31' };
const gops: Given[] = [
  {},
  { cuts: [3], splices: [out] },
  { splices: [out] },
  { cuts: [7.4], splices: [ended] },
  {},
];

const both = (text: string) => {
  const parser = new Parser();
  const warnings: string[] = [];
  parser.on('warn', ({ message }: { message: string }) => warnings.push(message));
  parser.push(text);
  parser.end();
  expect(warnings).toEqual([]);
  const hls = parseHls(text) as types.MediaPlaylist;
  expect(hls.segments.map(({ uri }) => uri)).toEqual(parser.manifest.segments.map(({ uri }) => uri));
  return { hls, manifest: parser.manifest };
};
const ts = (records: LedgerRecord[], withCues = false): string =>
  mediaPlaylist({ channel, records, before: undefined, withCues }, rendition, () => true);
const tagsIn = (text: string): string[] =>
  text.split('\n').filter((line) => /^#EXT-X-(DATERANGE|CUE)|\.ts|\.m4s/.test(line));

test('the segments of a GOP are its pieces, and the date ranges stand in front of theirs', () => {
  const records = ledgerOf(gops);
  const id = 'ID="insert-1",START-DATE="2026-11-30T12:00:03.000Z"';
  expect(tagsIn(ts(records)).map((line) => line.replace(/\?v=.*/, ''))).toEqual([
    '0.ts',
    '1.0.ts',
    `#EXT-X-DATERANGE:${id},PLANNED-DURATION=5.000,SCTE35-OUT=0xFC30`,
    '1.1.ts',
    '2.ts',
    '3.0.ts',
    `#EXT-X-DATERANGE:${id},END-DATE="2026-11-30T12:00:07.400Z",DURATION=4.400,SCTE35-IN=0xFC31`,
    '3.1.ts',
    '4.ts',
  ]);
  const { hls, manifest } = both(ts(records));
  expect(hls.segments.map(({ duration }) => duration)).toEqual([2, 1, 1, 2, 1.4, 0.6, 2]);
  expect(hls.segments[2]!.programDateTime).toEqual(new Date(START_MS + 3_000));
  expect(hls.segments[2]!.dateRange).toMatchObject({ id: 'insert-1', plannedDuration: 5 });
  const { dateRanges } = manifest as unknown as { dateRanges: Record<string, unknown>[] };
  expect(dateRanges.at(-1)).toMatchObject({
    id: 'insert-1',
    duration: 4.4,
    scte35In: expect.anything() as unknown,
  });
});

test.each([false, true])('the beginning of a GOP is listed behind a splice (cue tags: %s)', (withCues) => {
  const records = ledgerOf(gops.slice(0, 2));
  // Its splices are told with the whole GOP.
  const announced = ledgerOf([{}, {}, {}])[2]!;
  const part = { token: 1, startTicks: 2 * GOP, endTicks: 2 * GOP + 45_000, independent: true, places: [] };
  const open = { gop: 2, token: 1, run: 'r', ownFrom: 0, renditions: [], bytes: [], partials: [part] };
  const lowLatency = {
    ...{ partialTicks: 45_000, token: 1, others: [], skip: false, of: () => undefined },
    open: { ...open, announced },
  };
  const text = mediaPlaylist(
    { channel, records, before: undefined, withCues, lowLatency },
    rendition,
    () => true,
  );
  const lines = text.split('\n');
  const tail = lines.slice(lines.findIndex((line) => line.startsWith('1.1.ts')) + 1);
  expect(tail.some((line) => line.startsWith('#EXT-X-PART:DURATION=0.5,URI="2.p0.ts?t=1"'))).toBe(true);
  expect(tail.filter((line) => line.startsWith('#EXT-X-CUE'))).toEqual(
    withCues ? ['#EXT-X-CUE-OUT-CONT:ElapsedTime=1.000,Duration=5.000'] : [],
  );
});

test('media sequence numbers go on by one for each piece, also when those have left the window', () => {
  const records = ledgerOf(gops);
  const from = (first: number): number => both(ts(records.slice(first))).manifest.mediaSequence!;
  // GOPs 1 and 3 have a piece more each.
  expect([0, 1, 2, 3, 4].map(from)).toEqual([0, 1, 3, 4, 6]);
});

test('a break that is on stays listed when its beginning has left the window, with the same dates', () => {
  const records = ledgerOf(gops);
  const [tag] = tagsIn(ts(records.slice(2, 3)));
  expect(tag).toContain('ID="insert-1",START-DATE="2026-11-30T12:00:03.000Z"');
  expect(tag).toContain('SCTE35-OUT');
  expect(tagsIn(ts(records.slice(4)))).toEqual([expect.stringContaining('4.ts')]);
});

test('a gap within a break loses nothing of it', () => {
  const records = ledgerOf([...gops.slice(0, 2), null, ...gops.slice(3)]);
  expect(tagsIn(ts(records.slice(2)))[0]).toContain('START-DATE="2026-11-30T12:00:03.000Z"');
});

test('a break of no known length has no planned duration, and one whose end no message says has no SCTE35-IN', () => {
  const { plannedTicks: _plannedTicks, ...endless } = out;
  const { endCommand: _endCommand, ...byItself } = ended;
  expect(tagsIn(ts(ledgerOf([{}, { cuts: [3], splices: [endless] }])))[2]).not.toContain('DURATION');
  const text = ts(ledgerOf([...gops.slice(0, 3), { cuts: [7.4], splices: [byItself] }]));
  expect(text).toContain('DURATION=4.400\n');
  both(text);
});

test('two breaks one after the other, and a mark', () => {
  const next = splice(2, 7.4, { plannedTicks: SECOND });
  const mark = splice(3, 8, { kind: 'mark' });
  const text = ts(
    ledgerOf([...gops.slice(0, 3), { cuts: [7.4], splices: [ended, next] }, { splices: [next, mark] }]),
  );
  expect(
    tagsIn(text)
      .filter((line) => line.includes('DATERANGE'))
      .map((line) => line.slice(17, 32)),
  ).toEqual(['ID="insert-1",S', 'ID="insert-1",S', 'ID="insert-2",S', 'ID="insert-3",S']);
  expect(text).toContain('SCTE35-CMD=0xFC30');
  both(text);
});

test('with the older tags, where they are asked for', () => {
  const records = ledgerOf(gops);
  const cues = (text: string): string[] => tagsIn(text).filter((line) => line.includes('CUE'));
  expect(cues(ts(records))).toEqual([]);
  expect(cues(ts(records, true))).toEqual([
    '#EXT-X-CUE-OUT:DURATION=5.000',
    '#EXT-X-CUE-OUT-CONT:ElapsedTime=1.000,Duration=5.000',
    '#EXT-X-CUE-OUT-CONT:ElapsedTime=3.000,Duration=5.000',
    '#EXT-X-CUE-IN',
  ]);
  expect(cues(ts(records.slice(2), true))[0]).toMatch(/^#EXT-X-CUE-OUT-CONT:ElapsedTime=1.000/);
  const { hls } = both(ts(records, true));
  expect(hls.segments[2]!.markers).toMatchObject([{ type: 'OUT', duration: 5 }]);
});

test('a lost segment is a gap in all its pieces, so that numbers stay', () => {
  const records = ledgerOf(gops);
  const text = mediaPlaylist({ channel, records, before: undefined }, rendition, (gop) => gop !== 1);
  expect(text.match(/#EXT-X-GAP/g)).toHaveLength(2);
  expect(both(text).manifest.segments).toHaveLength(7);
});

test('fragmented MP4: pieces by their time; a piece without sound is a gap of the sound', () => {
  const records = ledgerOf(gops);
  const of = (wanted: RenditionRecord | number): string =>
    cmafPlaylist({ channel, records, before: undefined }, wanted, () => true);
  expect(of(rendition)).toMatch(/SCTE35-OUT=0xFC30\n#EXTINF:1.000000,\n270000.m4s\?v=/);
  expect(of(1)).toMatch(/#EXT-X-GAP\n.*\n.*SCTE35-OUT=0xFC30\n#EXTINF:1.000000,\n270000.m4s/);
});

describe('the DASH manifest', () => {
  const read = (records: LedgerRecord[]) => {
    const text = dashManifest(channel, records, 60_000, () => true);
    return { text, mpd: parseMpd(text, { manifestUri: 'https://x.test/cmaf/ch-1/manifest.mpd' }) };
  };
  interface Event {
    schemeIdUri: string;
    id: string;
    start: number;
    end: number;
    messageData: string;
  }
  const eventsIn = (records: LedgerRecord[]): Event[] =>
    (read(records).mpd as unknown as { eventStream?: Event[] }).eventStream ?? [];

  test('has the pieces in its timeline, and the messages as events', () => {
    const { text, mpd } = read(ledgerOf(gops));
    expect(text).toContain('<S t="0" d="180000"/><S t="180000" d="90000" r="1"/><S t="360000" d="180000"/>');
    const segments = mpd.playlists[0]!.segments.map(({ duration }) => duration);
    expect(segments).toEqual([2, 1, 1, 2, 1.4, 0.6, 2]);
    const begin = START_MS / 1000 + 3;
    expect(eventsIn(ledgerOf(gops))).toMatchObject([
      { schemeIdUri: 'urn:scte:scte35:2014:xml+bin', start: begin, end: begin + 4.4 },
      { start: begin + 4.4 },
    ]);
    expect(text).toContain('<Binary>/DA=</Binary>');
  });

  test('has none where there is no splice', () => {
    expect(read(ledgerOf([{}, {}])).text).not.toContain('EventStream');
  });

  test('keeps one that began before its window, and before a new period', () => {
    const records = ledgerOf(gops);
    expect(eventsIn(records.slice(2, 3))).toMatchObject([{ start: START_MS / 1000 + 3 }]);
    const other = { ...rendition, parameterSets: 'other' };
    const changed = publishedRecord({
      ...channel,
      ...{ sealedAtMs: START_MS + 6_000, publishedAtMs: START_MS + 6_300 },
      ...{ previous: records[1], previousPublished: records[1], splices: [out] },
      attempt: { gop: 2, token: 1, encoderId: 'enc-1', sessionId: 's' },
      renditions: [other],
    });
    // Three of its five seconds are left.
    const begin = START_MS / 1000 + 4;
    expect(eventsIn([records[1]!, changed]).at(-1)).toMatchObject({ start: begin, end: begin + 4 });
  });
});
