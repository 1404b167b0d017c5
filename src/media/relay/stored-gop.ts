import { z } from 'zod';
import { gopLedgerSchema, type GopLedger } from '../../contracts/relay';
import { ptsLedgerHash } from '../mpegts';
import type { JournalEntry } from './gop-journal';
import type { JournalRecord } from './record-frame';
import type { RingUnit } from './unit-ring';

const ticks = z.int();
const lengthBytes = z.int().min(0);

const ledgerSchema = z.object({
  gop: z.int().min(0),
  ptsTicks: z.array(ticks).max(100_000),
  sealedAtMs: z.number(),
  // Absent in records of releases that cut at GOPs alone.
  ...gopLedgerSchema.pick({ cutTicks: true, splices: true }).shape,
});

const headerSchema = ledgerSchema.extend({
  /** Source clock at the end of the GOP, 33-bit ticks; see RelayChannel. */
  sourceEndTicks: ticks.min(0).nullable(),
  /** Bytes of each set of tables, then of each unit, as they follow each other in the body. */
  tablesBytes: z.array(lengthBytes),
  /** [arrival, kind, PTS, DTS, keyframe, number of its tables, bytes] */
  units: z.array(
    z.tuple([
      z.int().min(0),
      z.enum(['video', 'audio', 'other']),
      ticks,
      ticks,
      z.boolean(),
      lengthBytes,
      lengthBytes,
    ]),
  ),
});

/** A sealed GOP as it is kept on disk: its ledger, and the units that arrived for it. */
export interface StoredGop {
  ledger: GopLedger;
  /** Source clock at the end of the GOP, 33-bit ticks; null if not known. */
  sourceEndTicks: number | null;
  units: readonly RingUnit[];
}

export const toEntry = ({ ledger, sourceEndTicks, units }: StoredGop): JournalEntry => {
  const { gop } = ledger;
  const tables = [...new Set(units.map((unit) => unit.tables))];
  const header: z.input<typeof headerSchema> = {
    ...keptOf(ledger),
    sourceEndTicks,
    tablesBytes: tables.map((packets) => packets.length),
    units: units.map((u) => [
      u.arrival,
      u.kind,
      u.ptsTicks,
      u.dtsTicks,
      u.keyframe,
      tables.indexOf(u.tables),
      u.packets.length,
    ]),
  };
  return { gop, header, body: [...tables, ...units.map((unit) => unit.packets)] };
};

/** Undefined if the record is none of ours, or its header does not fit its body. */
export const fromRecord = ({ header, body }: JournalRecord): StoredGop | undefined => {
  const { data } = headerSchema.safeParse(header);
  if (!data) return undefined;
  let at = 0;
  const next = (bytes: number): Buffer => body.subarray(at, (at += bytes));
  const tables = data.tablesBytes.map(next);
  const units: RingUnit[] = [];
  for (const [arrival, kind, ptsTicks, dtsTicks, keyframe, table, bytes] of data.units) {
    const own = tables[table];
    if (!own) return undefined;
    units.push({
      arrival,
      kind,
      ptsTicks,
      dtsTicks,
      keyframe,
      tables: own,
      packets: next(bytes),
      saved: true,
    });
  }
  if (at !== body.length) return undefined;
  return { ledger: ledgerOf(data), sourceEndTicks: data.sourceEndTicks, units };
};

/** The hash follows from the times. */
const keptOf = ({ sha256: _sha256, ...kept }: GopLedger): z.input<typeof ledgerSchema> => kept;

export const toLedgerEntry = (ledger: GopLedger): JournalEntry => ({
  gop: ledger.gop,
  header: keptOf(ledger),
  body: [],
});

/** Undefined if the record is no ledger. */
export const ledgerFromRecord = ({ header }: JournalRecord): GopLedger | undefined => {
  const { data } = ledgerSchema.safeParse(header);
  return data && ledgerOf(data);
};

const ledgerOf = ({
  gop,
  ptsTicks,
  sealedAtMs,
  cutTicks,
  splices,
}: z.infer<typeof ledgerSchema>): GopLedger => ({
  gop,
  ptsTicks,
  sha256: ptsLedgerHash(ptsTicks),
  sealedAtMs,
  ...(cutTicks && { cutTicks }),
  ...(splices && { splices }),
});
