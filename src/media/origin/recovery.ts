import { join } from 'node:path';
import type { DeclaredGap } from '../../contracts/origin';
import { setCopyAside } from '../../platform/set-aside';
import { recordFile } from '../ownership-store';
import { Ledger, readLedgerFile } from './ledger';
import { newOwnership, type OwnershipState } from './ownership';
import type { ChannelRecord, LedgerRecord } from './records';
import { SegmentStore } from './segment-store';
import { gapRecords } from './timeline';

/** Files of a channel below `<state>/origin/<channel>/`. */
export const channelFiles = (directory: string) => ({
  record: recordFile(directory),
  ledger: join(directory, 'ledger.jsonl'),
  gops: join(directory, 'gops'),
});

const LOST = 'lost when the origin stopped';

/**
 * Makes the ledger agree with the record of ownership after a crash, and with itself. Whatever the record
 * counts as published or declared, and GOPs between two that are there, were acknowledged once; where their
 * lines are gone they become declared gaps.
 * @returns an unbroken run of records up to `nextGop` or beyond
 */
export const repairLedger = (
  found: readonly LedgerRecord[],
  ownership: OwnershipState,
  options: { gopDurationTicks: number; atMost: number; nowMs: number },
): LedgerRecord[] => {
  const records: LedgerRecord[] = [];
  const { lastGap, token } = ownership;
  const fillUpTo = (toGop: number): void => {
    const previous = records.at(-1);
    const fromGop = previous ? previous.gop + 1 : (lastGap?.fromGop ?? toGop);
    const lost: DeclaredGap = { fromGop, toGop, reason: LOST, token };
    for (const record of gapRecords({ ...options, gap: lost, declaredAtMs: options.nowMs, previous })) {
      const declared = lastGap !== null && record.gop >= lastGap.fromGop && record.gop < lastGap.toGop;
      records.push(declared ? { ...record, gapReason: lastGap.reason, token: lastGap.token } : record);
    }
  };
  for (const record of found) {
    if (records.length > 0) fillUpTo(record.gop);
    records.push(record);
  }
  if (ownership.hasPublished || ownership.gapsDeclared > 0) fillUpTo(ownership.nextGop);
  // A gap longer than what is kept leaves only its end: the run before it is let go.
  const broken = records.findLastIndex((r, i) => i > 0 && r.gop !== records[i - 1]!.gop + 1);
  return broken > 0 ? records.slice(broken) : records;
};

/** All that is needed to carry on a channel after a restart. */
export interface LoadedChannel {
  record: ChannelRecord;
  /** Of the record in the store; null: it is in none yet. */
  version: string | null;
  ledger: Ledger;
  segments: SegmentStore;
  spoiltLines: number;
  /** Lines that are whole and not understood; a copy of the file was set aside. */
  foreignLines: number;
  /** The lines that are there are an unbroken run, as they were written. */
  isUnbroken: boolean;
}

const isRun = (records: readonly LedgerRecord[]): boolean =>
  records.every(({ gop }, i) => i === 0 || gop === records[i - 1]!.gop + 1);

/**
 * Brings a channel back from its directory: ownership from the record, GOPs published since the record was
 * written from the ledger, segments as far as they are whole.
 * @param isShared what this origin lacks, others may have: it is no gap
 */
export const loadChannel = async (
  directory: string,
  record: ChannelRecord,
  version: string | null,
  keptRecords: () => number,
  nowMs: number,
  isShared = false,
): Promise<LoadedChannel> => {
  const files = channelFiles(directory);
  const { records: found, spoiltLines, foreignGops } = await readLedgerFile(files.ledger);
  if (foreignGops.length > 0) await setCopyAside(files.ledger, nowMs);
  const { ownership } = record;
  const usedUpTo = Math.max(ownership.nextGop, ...foreignGops.map((gop) => gop + 1));
  const numbered = usedUpTo > ownership.nextGop;
  const known = numbered ? { ...ownership, nextGop: usedUpTo, hasPublished: true } : ownership;
  const records = repairLedger(found, isShared ? newOwnership() : known, {
    gopDurationTicks: record.gopDurationTicks,
    atMost: keptRecords(),
    nowMs,
  });
  const ledger = new Ledger(
    files.ledger,
    keptRecords,
    records,
    spoiltLines > 0 || foreignGops.length > 0 || records.length !== found.length,
  );
  const segments = new SegmentStore(files.gops);
  await segments.load((gop, bytes) => {
    const renditions = ledger.get(gop)?.renditions ?? [];
    return renditions.length > 0 && renditions.reduce((sum, r) => sum + r.bytes, 0) === bytes;
  }, new Set(foreignGops));
  return {
    record: {
      ...record,
      ownership: {
        ...known,
        nextGop: Math.max(known.nextGop, (ledger.last?.gop ?? -1) + 1),
        hasPublished: known.hasPublished || ledger.lastPublished !== undefined,
      },
    },
    version,
    ledger,
    segments,
    spoiltLines,
    foreignLines: foreignGops.length,
    isUnbroken: foreignGops.length === 0 && isRun(found),
  };
};
