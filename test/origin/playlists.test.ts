import { Parser } from 'm3u8-parser';
import type { FrameRate } from '../../src/domain';
import { masterPlaylist, mediaPlaylist, windowOf } from '../../src/media/origin/playlists';
import type { LedgerRecord, RenditionRecord } from '../../src/media/origin/records';
import { gapRecords, publishedRecord } from '../../src/media/origin/timeline';

const channel = { id: 'ch-1', gopDurationTicks: 180_000, framesPerSecond: 25 };
const START_MS = Date.UTC(2026, 0, 1);

const rendition = (name: string, parameterSets = `sps-${name}`): RenditionRecord => {
  const heightPx = Number.parseInt(name);
  return {
    name,
    bytes: heightPx * 100,
    sha256: name.padEnd(64, '0'),
    widthPx: (heightPx * 16) / 9,
    heightPx,
    codecs: 'avc1.4d401e',
    parameterSets,
  };
};

/** A channel's ledger, made as the origin makes it: each GOP's renditions, or null for a gap. */
const ledgerOf = (
  gops: (RenditionRecord[] | null)[],
  sealedAtMs = (g: number) => START_MS + (g + 1) * 2_000,
) =>
  gops.reduce<LedgerRecord[]>((records, renditions, gop) => {
    const previous = records.at(-1);
    const previousPublished = records.findLast((r) => r.gapReason === undefined);
    if (renditions === null) {
      const gap = { fromGop: gop, toGop: gop + 1, reason: 'lost', token: 1 };
      const declaredAtMs = sealedAtMs(gop);
      return [...records, ...gapRecords({ ...channel, gap, declaredAtMs, previous, atMost: 100 })];
    }
    const attempt = { gop, token: 1, encoderId: 'enc-1', sessionId: 's' };
    const times = { sealedAtMs: sealedAtMs(gop), publishedAtMs: sealedAtMs(gop) + 300 };
    return [
      ...records,
      publishedRecord({ ...channel, ...times, attempt, renditions, previous, previousPublished }),
    ];
  }, []);

const parse = (text: string) => {
  const parser = new Parser();
  parser.addParser({ expression: /^#EXT-X-GAP/, customType: 'gap', segment: true });
  parser.push(text);
  parser.end();
  return parser.manifest;
};
const media = (name: string, records: LedgerRecord[], before?: LedgerRecord, missing: number[] = []) =>
  mediaPlaylist({ channel, records, before }, rendition(name), (gop) => !missing.includes(gop));
const urisOf = (text: string) => parse(text).segments.map((s) => s.uri.replace(/\?.*/, ''));

const small = rendition('144p');
const middle = rendition('180p');
const large = rendition('240p');

test('FRAME-RATE is that of the rendition, where it keeps a half or a third of the pictures', () => {
  const renditions = [small, { ...middle, frameRateDivisor: 2 }, { ...large, frameRateDivisor: 3 }];
  const master = masterPlaylist({ ...channel, framesPerSecond: '30000/1001' }, ledgerOf([renditions]));
  expect([...master.matchAll(/FRAME-RATE=(\S+)/g)].map((match) => match[1])).toEqual([
    '29.970',
    '14.985',
    '9.990',
  ]);
});

test('VIDEO-RANGE is that of the parameter sets', () => {
  const renditions = [
    small,
    { ...middle, videoRange: 'PQ' as const },
    { ...large, videoRange: 'HLG' as const },
  ];
  const master = masterPlaylist(channel, ledgerOf([renditions]));
  expect([...master.matchAll(/VIDEO-RANGE=([A-Z]+)/g)].map((match) => match[1])).toEqual([
    'SDR',
    'PQ',
    'HLG',
  ]);
});

test('FRAME-RATE of a rate that is no whole number has its three decimals', () => {
  const rateOf = (framesPerSecond: FrameRate) =>
    /FRAME-RATE=(\S+)/.exec(masterPlaylist({ ...channel, framesPerSecond }, ledgerOf([[middle]])))?.[1];
  expect([25, '30000/1001', '24000/1001', '60000/1001'].map((rate) => rateOf(rate as FrameRate))).toEqual([
    ...['25.000', '29.970', '23.976', '59.940'],
  ]);
});

describe('media playlist', () => {
  test('a plain run: sequence number is the first GOP, times go on by one GOP', () => {
    const records = ledgerOf(Array.from({ length: 6 }, () => [middle]));
    const manifest = parse(media('180p', records.slice(2), records[1]));
    expect(manifest).toMatchObject({ mediaSequence: 2, targetDuration: 2, discontinuitySequence: 0 });
    expect(manifest.independentSegments).toBe(true);
    expect(manifest.endList).toBeFalsy();
    expect(manifest.discontinuityStarts).toEqual([]);
    expect(manifest.segments.map((s) => s.duration)).toEqual([2, 2, 2, 2]);
    expect(manifest.segments.map((s) => s.dateTimeObject!.getTime() - START_MS)).toEqual([
      4000, 6000, 8000, 10000,
    ]);
    expect(manifest.segments[0]!.uri).toBe('2.ts?v=180p00000000');
  });

  test('a rendition that comes and goes is replaced by the one nearest in size, between discontinuities', () => {
    const records = ledgerOf([
      [middle, small, large],
      [middle, small],
      [middle, small],
      [middle, small, large],
    ]);
    const text = media('240p', records);
    expect(urisOf(text)).toEqual(['0.ts', '../180p/1.ts', '../180p/2.ts', '3.ts']);
    expect(parse(text).discontinuityStarts).toEqual([1, 3]);
    // Matching content has matching discontinuity numbers in all variants (RFC 8216, 6.2.4).
    for (const name of ['144p', '180p', '240p']) {
      expect(parse(media(name, records)).segments.map((s) => s.timeline)).toEqual([0, 1, 1, 2]);
    }
  });

  test('discontinuity numbers stay with their GOPs while the window slides', () => {
    const changed = rendition('180p', 'sps-of-another-build');
    const records = ledgerOf([[middle], [middle], [changed], [changed], null, [changed], [middle], [middle]]);
    const whole = parse(media('180p', records)).segments.map((s) => s.timeline);
    expect(whole).toEqual([0, 0, 1, 1, 1, 1, 2, 2]);
    for (let from = 1; from < records.length; from++) {
      const manifest = parse(media('180p', records.slice(from), records[from - 1]));
      expect(manifest.segments.map((s) => s.timeline)).toEqual(whole.slice(from));
      expect(manifest.mediaSequence).toBe(from);
    }
  });

  test('declared gaps and lost segments are EXT-X-GAP, never silence', () => {
    const records = ledgerOf([[middle], null, [middle], [middle]]);
    const text = media('180p', records, undefined, [2]);
    const manifest = parse(text);
    const gaps = manifest.segments.map((s) => (s as { custom?: { gap?: string } }).custom?.gap !== undefined);
    expect(gaps).toEqual([false, true, true, false]);
    expect(manifest.version).toBe(8);
    expect(manifest.segments.map((s) => s.dateTimeObject!.getTime() - START_MS)).toEqual([
      0, 2000, 4000, 6000,
    ]);
    expect(parse(media('180p', ledgerOf([[middle]]))).version).toBe(6);
  });

  test('the programme time is read anew when the contribution stood still', () => {
    const pauseMs = 60_000;
    const sealed = (g: number) => START_MS + (g + 1) * 2_000 + (g >= 2 ? pauseMs : g * 7);
    const records = ledgerOf([[middle], [middle], [middle], [middle]], sealed);
    const times = records.map((r) => r.programDateTimeMs - START_MS);
    expect(times).toEqual([0, 2_000, 4_000 + pauseMs, 6_000 + pauseMs]);
  });

  test('programme time is drawn back from the future, and goes on meanwhile', () => {
    // Three segments of 10 s at once, then at their pace.
    const burst = (g: number) => START_MS + 2_000 + Math.max(0, g - 14) * 2_000;
    const records = ledgerOf(
      Array.from({ length: 60 }, () => [middle]),
      burst,
    );
    const aheadMs = records.map((r) => r.programDateTimeMs - (r.sealedAtMs! - 2_000));
    expect(Math.max(...aheadMs)).toBeLessThan(16_000);
    expect(aheadMs.slice(35).every((ms) => ms === 1_000)).toBe(true);
    const steps = records.slice(1).map((r, i) => r.programDateTimeMs - records[i]!.programDateTimeMs);
    expect(Math.min(...steps)).toBe(1_000);
    expect(Math.max(...steps)).toBe(2_000);
  });

  test('a contribution whose clock is 2 % fast stays within a second of the wall clock', () => {
    const records = ledgerOf(
      Array.from({ length: 500 }, () => [middle]),
      (g) => START_MS + ((g + 1) * 2_000) / 1.02,
    );
    for (const r of records) expect(r.programDateTimeMs).toBeLessThan(r.sealedAtMs!);
  });

  test('a wall clock that was an hour fast is read anew once it is right', () => {
    const wrong = (g: number) => START_MS + (g + 1) * 2_000 + (g < 2 ? 3_600_000 : 0);
    const records = ledgerOf([[middle], [middle], [middle], [middle]], wrong);
    expect(records.map((r) => r.programDateTimeMs - START_MS)).toEqual([3_600_000, 3_602_000, 4_000, 6_000]);
  });

  test('the window goes by publish time from the newest GOP, never below three GOPs', () => {
    const steady = ledgerOf(Array.from({ length: 100 }, () => [middle]));
    expect(windowOf(steady, 60_000, channel.gopDurationTicks)).toHaveLength(31);
    expect(windowOf(steady, 900_000, channel.gopDurationTicks)).toHaveLength(100);
    expect(windowOf(steady, 1_000, channel.gopDurationTicks).map((r) => r.gop)).toEqual([97, 98, 99]);
    // Nine GOPs that came at once after an outage are all new, thus all listed.
    const burst = ledgerOf(
      Array.from({ length: 40 }, () => [middle]),
      (g) => START_MS + Math.min(g, 30) * 2_000,
    );
    expect(windowOf(burst, 8_000, channel.gopDurationTicks)).toHaveLength(14);
    expect(windowOf([], 60_000, channel.gopDurationTicks)).toEqual([]);
  });

  test.each([-86_400_000, 86_400_000])(
    'a clock that is set by %d ms takes nothing out of the window',
    (byMs) => {
      const all = Array.from({ length: 100 }, () => [middle]);
      const steady = windowOf(ledgerOf(all), 60_000, channel.gopDurationTicks).map((r) => r.gop);
      // Set at GOP 80, and set right at GOP 90.
      for (const until of [81, 85, 90, 95, 100]) {
        const set = ledgerOf(all, (g) => START_MS + (g + 1) * 2_000 + (g >= 80 && g < 90 ? byMs : 0)).slice(
          0,
          until,
        );
        const listed = windowOf(set, 60_000, channel.gopDurationTicks).map((r) => r.gop);
        // One more for a step back, over which no time counts.
        expect(listed.slice(-steady.length)).toEqual(steady.map((gop) => gop - (100 - until)));
        expect(listed.length).toBeLessThanOrEqual(steady.length + 1);
      }
    },
  );
});

describe('master playlist', () => {
  test('lists the renditions on air with measured rates, smallest first', () => {
    const records = ledgerOf([
      [middle, { ...small, bytes: 40_000 }],
      [middle, small, large],
    ]);
    const { playlists = [] } = parse(masterPlaylist(channel, records));
    expect(playlists.map((p) => p.uri)).toEqual(['144p/index.m3u8', '180p/index.m3u8', '240p/index.m3u8']);
    expect(playlists[0]!.attributes).toMatchObject({
      BANDWIDTH: 160_000,
      'AVERAGE-BANDWIDTH': String(((40_000 + 14_400) / 2) * 4),
      CODECS: 'avc1.4d401e',
      RESOLUTION: { width: 256, height: 144 },
      'FRAME-RATE': 25,
    });
  });

  test('is not there before the first GOP', () => {
    expect(() => masterPlaylist(channel, [])).toThrow('published nothing yet');
    expect(() => masterPlaylist(channel, ledgerOf([null]))).toThrow('published nothing yet');
  });
});
