import { isDeepStrictEqual } from 'node:util';
import { decide, forRecord } from '../cycle';
import type { CycleResult, PlanningRecord } from '../domain';
import { readStoredRecord, type StoredRecord, type StoredRecords } from '../observation/stored-record';
import { PLANNING_RECORDS_KEPT_MS } from '../telemetry';

/**
 * Says in lines what a past cycle was planned from, and whether planning again from it gives the same plan; or why that
 * can't be said any more. No lines for a cycle that saw nothing, and for those of older versions.
 */
export const plannedFrom = async (
  records: StoredRecords,
  options: { cell: string; cycle: CycleResult; nowMs: number },
): Promise<string[]> => {
  const { cell, cycle, nowMs } = options;
  const { snapshot, atMs, omitted = {} } = cycle;
  if (!snapshot) return [];
  const named = `snapshot ${snapshot.snapshotId}`;
  const cut = Object.entries(omitted).map(
    ([list, count]) => `${count} more in ${list}, left out of this record`,
  );
  let stored: StoredRecord;
  try {
    stored = await readStoredRecord(records, { cell, snapshot, atMs });
  } catch (error) {
    return [`${named}: the telemetry store can't be asked, ${(error as Error).message}`, ...cut];
  }
  if (stored === 'absent') return [`${named} ${whyGone(snapshot.stored, nowMs - atMs)}`, ...cut];
  if (stored === 'another') {
    return [
      `${named} is in the telemetry store, but is not what was planned from: its SHA-256 differs`,
      ...cut,
    ];
  }
  const { channels, encoders } = stored.snapshot;
  return [
    `${named}: ${channels.length} channels on ${encoders.length} encoders at ${new Date(atMs).toISOString()}`,
    await replanned(records, cell, cycle, stored),
    ...cut,
  ];
};

const whyGone = (wasStored: boolean, ageMs: number): string => {
  const hours = PLANNING_RECORDS_KEPT_MS / 3_600_000;
  if (ageMs > PLANNING_RECORDS_KEPT_MS) return `has expired: snapshots are kept for ${hours} h`;
  return wasStored
    ? 'is not in the telemetry store any more'
    : 'was not stored: the telemetry store was away or late';
};

const replanned = async (
  records: StoredRecords,
  cell: string,
  cycle: CycleResult,
  record: PlanningRecord,
): Promise<string> => {
  const { forecast: named } = record;
  const forecast = named && (await records.forecast({ cell, ...named }).catch(() => null));
  if (named && !forecast) return `forecast ${named.forecastId} is gone: it can't be planned again`;
  const { plan } = forRecord(decide(record, forecast), cycle.unreachable);
  return isDeepStrictEqual(asJson(plan), asJson(cycle.plan))
    ? 'planned again from it: the same plan'
    : `planned again from it by this version: another plan, with ${plan.moves.length} move(s), scale ${plan.scale.kind}`;
};

/** Without what JSON does not carry. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
