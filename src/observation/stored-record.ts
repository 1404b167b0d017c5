import { createHash } from 'node:crypto';
import type { PlanningRecord, SnapshotReference } from '../domain';
import type { PlanningRecords } from '../telemetry';

export type StoredRecords = Pick<PlanningRecords, 'record' | 'forecast'>;

/** What a cycle planned from; or that it is not stored, or that what is stored is not what was planned from. */
export type StoredRecord = PlanningRecord | 'absent' | 'another';

/** @throws SwarmError unavailable, timeout */
export const readStoredRecord = async (
  records: StoredRecords,
  { cell, snapshot, atMs }: { cell: string; snapshot: SnapshotReference; atMs: number },
): Promise<StoredRecord> => {
  const serialised = await records.record({ cell, snapshotId: snapshot.snapshotId, atMs });
  if (serialised === null) return 'absent';
  if (createHash('sha256').update(serialised).digest('hex') !== snapshot.sha256) return 'another';
  // Its hash shows that it is what this program wrote.
  return JSON.parse(serialised) as PlanningRecord;
};
