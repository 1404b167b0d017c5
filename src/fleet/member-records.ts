import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { idSchema } from '../domain';

const memberSchema = z.object({
  id: idSchema,
  zone: z.string().min(1),
  /** The request that brought it. */
  requestId: z.string().min(1),
});
export type MemberRecord = z.infer<typeof memberSchema>;

const readRecords = (file: string): MemberRecord[] => {
  try {
    return z.array(memberSchema).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // None yet, or not ours: the control cycle asks again for what is missing.
    return [];
  }
};

/** Encoders that were added to the fleet of this machine while it ran, kept over restarts of the fleet agent. */
export class MemberRecords {
  private records: readonly MemberRecord[];

  constructor(private readonly file: string) {
    this.records = readRecords(file);
  }

  get all(): readonly MemberRecord[] {
    return this.records;
  }

  add(record: MemberRecord): void {
    this.records = [...this.records.filter(({ id }) => id !== record.id), record];
    this.save();
  }

  forget(encoderId: string): void {
    if (!this.records.some(({ id }) => id === encoderId)) return;
    this.records = this.records.filter(({ id }) => id !== encoderId);
    this.save();
  }

  private save(): void {
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(`${this.file}.new`, `${JSON.stringify(this.records, null, 2)}\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}
