import { dashManifest } from '../../src/media/origin/dash-manifest';
import type { LedgerRecord, RenditionRecord } from '../../src/media/origin/records';
import { gapRecords, periodOf, publishedRecord } from '../../src/media/origin/timeline';
import type { FoundSound } from '../../src/media/packaging';

const channel = { id: 'ch-1', gopDurationTicks: 180_000, framesPerSecond: 25 };
const GOP_MS = 2_000;
const START_MS = Date.UTC(2026, 0, 1);

const rendition: RenditionRecord = {
  ...{ name: '180p', bytes: 10_000, videoBytes: 9_000, sha256: 'a'.repeat(64) },
  ...{ widthPx: 320, heightPx: 180, codecs: 'avc1.4d401e,mp4a.40.2', parameterSets: '0123456789abcdef' },
};
const stereo = (track: number, language = 'deu'): FoundSound => ({
  ...{ track, bytes: 900 },
  format: {
    codecs: 'mp4a.40.2',
    channels: 2,
    language,
    configuration: `${language}0000000000000`.slice(0, 16),
  },
});
/** A track of which a GOP has nothing. */
const silent = (track: number): FoundSound => ({ track, bytes: 0, format: null });

interface Gop {
  sound?: FoundSound[];
  sealedAtMs?: number;
  isGap?: boolean;
  parameterSets?: string;
}

const ledgerOf = (gops: Gop[]): LedgerRecord[] =>
  gops.reduce<LedgerRecord[]>((records, { sound, isGap, parameterSets, sealedAtMs }, gop) => {
    const previous = records.at(-1);
    const previousPublished = records.findLast((r) => r.gapReason === undefined);
    const atMs = sealedAtMs ?? START_MS + (gop + 1) * GOP_MS;
    if (isGap) {
      const gap = { fromGop: gop, toGop: gop + 1, reason: 'lost', token: 1 };
      return [...records, ...gapRecords({ ...channel, gap, declaredAtMs: atMs, previous, atMost: 10 })];
    }
    const attempt = { gop, token: 1, encoderId: 'enc-1', sessionId: 's' };
    const renditions = [{ ...rendition, ...(parameterSets !== undefined && { parameterSets }) }];
    const times = { sealedAtMs: atMs, publishedAtMs: atMs + 300 };
    const record = publishedRecord({
      ...{ ...channel, ...times, attempt, renditions, previous, previousPublished },
      ...(sound && { sound }),
    });
    return [...records, record];
  }, []);

const discontinuities = (gops: Gop[]): number[] => ledgerOf(gops).map((r) => r.discontinuities);
const periods = (gops: Gop[]): number[] =>
  ledgerOf(gops).map((r) => periodOf(r, channel.gopDurationTicks).gop);

describe('sound', () => {
  test('that comes, goes or changes its coding is a discontinuity', () => {
    const one = { sound: [stereo(1)] };
    const two = { sound: [stereo(1), stereo(2, 'eng')] };
    const other = { sound: [stereo(1, 'fra')] };
    expect(discontinuities([one, one, two, two, one, other])).toEqual([0, 0, 1, 1, 2, 3]);
  });

  test('that a GOP has none of is none: it stands in the ledger as it was', () => {
    const records = ledgerOf([{ sound: [stereo(1)] }, { sound: [silent(1)] }, { sound: [stereo(1)] }]);
    expect(records.map((r) => r.discontinuities)).toEqual([0, 0, 0]);
    expect(records.map((r) => r.sound?.[0]?.bytes)).toEqual([900, 0, 900]);
    expect(ledgerOf([{ sound: [silent(1)] }])[0]!.sound).toEqual([]);
  });

  test('of which a record of an older release says nothing has not changed', () => {
    expect(discontinuities([{}, {}, { sound: [stereo(1)] }, { sound: [stereo(1)] }])).toEqual([0, 0, 0, 0]);
  });
});

describe('periods', () => {
  test('go on through gaps and jitter', () => {
    const jitter = [0, 700, -700, 0].map((ms, gop) => ({ sealedAtMs: START_MS + (gop + 1) * GOP_MS + ms }));
    expect(periods([...jitter, { isGap: true }, {}])).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('begin at a discontinuity', () => {
    expect(periods([{}, {}, { parameterSets: 'b' }, { parameterSets: 'b' }])).toEqual([0, 0, 2, 2]);
  });

  test('begin where the contribution stood still', () => {
    const late = (gop: number) => ({ sealedAtMs: START_MS + (gop + 1) * GOP_MS + 60_000 });
    const records = ledgerOf([{}, {}, late(2), late(3)]);
    expect(records.map((r) => r.period)).toEqual([
      { gop: 0, startMs: START_MS },
      { gop: 0, startMs: START_MS },
      { gop: 2, startMs: START_MS + 2 * GOP_MS + 60_000 },
      { gop: 2, startMs: START_MS + 2 * GOP_MS + 60_000 },
    ]);
    expect(records.map((r) => r.discontinuities)).toEqual([0, 0, 0, 0]);
  });

  test('of records of an older release are known, and go on', () => {
    const older = ledgerOf([{}, {}]).map(({ period: _period, ...record }) => record);
    expect(older.map((r) => periodOf(r, channel.gopDurationTicks))).toEqual([
      { gop: 0, startMs: START_MS },
      { gop: 0, startMs: START_MS },
    ]);
  });
});

describe('manifest', () => {
  const manifestOf = (records: LedgerRecord[]): string => dashManifest(channel, records, 60_000, () => true);

  test('what it said of a period stays while the window slides', () => {
    const records = ledgerOf(
      Array.from({ length: 40 }, (_, gop) => (gop < 20 ? {} : { parameterSets: 'b' })),
    );
    const said = new Map<string, string>();
    for (let from = 0; from < 30; from++) {
      for (const [tag, id] of manifestOf(records.slice(from, from + 10)).matchAll(
        /<Period id="(.*?)"[^>]*>/g,
      )) {
        expect(said.get(id!) ?? tag).toBe(tag);
        said.set(id!, tag);
      }
    }
    expect(said.size).toBe(2);
  });

  test('a rate that is no whole number stands as a fraction', () => {
    const records = ledgerOf([{ sound: [stereo(1, 'deu')] }]);
    const odd = dashManifest({ ...channel, framesPerSecond: '30000/1001' }, records, 60_000, () => true);
    expect(odd).toContain('frameRate="30000/1001"');
    expect(odd).toContain('lang="de"');
  });

  test('is not there before the first GOP, nor when all of them have gone', () => {
    expect(() => manifestOf([])).toThrow('no segments now');
    expect(() => dashManifest(channel, ledgerOf([{}]), 60_000, () => false)).toThrow('no segments now');
  });
});
