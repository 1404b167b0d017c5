import { z } from 'zod';
import { idSchema } from '../domain';
import { RetriedWrite } from '../platform/retried-write';
import { RecordFile } from './record-file';

const memberSchema = z.object({
  id: idSchema,
  zone: z.string().min(1),
  /** The request that brought it. */
  requestId: z.string().min(1),
});
export type MemberRecord = z.infer<typeof memberSchema>;

const fileSchema = z.array(memberSchema);

/**
 * Encoders that were added to the fleet of this machine while it ran, kept over restarts of the fleet agent. On a full
 * disk as BuildRecords.
 */
export class MemberRecords {
  private readonly file: RecordFile<typeof fileSchema>;
  private records: MemberRecord[];
  private readonly saved = new RetriedWrite(() => this.file.write(this.records));

  constructor(path: string) {
    this.file = new RecordFile(path, fileSchema);
    this.records = this.file.read([]);
  }

  get all(): readonly MemberRecord[] {
    return this.records;
  }

  add(record: MemberRecord): void {
    this.records = [...this.records.filter(({ id }) => id !== record.id), record];
    this.saved.now();
  }

  forget(encoderId: string): void {
    if (!this.records.some(({ id }) => id === encoderId)) return;
    this.records = this.records.filter(({ id }) => id !== encoderId);
    this.saved.now();
  }
}
