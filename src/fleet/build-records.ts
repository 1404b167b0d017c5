import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { idSchema, installedBuildSchema, type InstalledBuild } from '../domain';

/** So many requests of an encoder are remembered, so that a late repetition of one changes nothing. */
const REMEMBERED_REQUESTS = 32;

const recordSchema = z.object({
  build: installedBuildSchema,
  /** Latest last. */
  requestIds: z.array(z.string()),
});
const fileSchema = z.record(idSchema, recordSchema);
type Records = z.infer<typeof fileSchema>;

const readRecords = (file: string): Records => {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // None yet, or not ours: hosts then run the default ffmpeg and report so, which the control cycle mends.
    return {};
  }
};

/** Which build each encoder of this machine runs, kept over restarts of the fleet agent. */
export class BuildRecords {
  private readonly records: Records;

  constructor(private readonly file: string) {
    this.records = readRecords(file);
  }

  buildOf(encoderId: string): InstalledBuild | undefined {
    return this.records[encoderId]?.build;
  }

  /** Whether this request was carried out before. */
  knows(encoderId: string, requestId: string): boolean {
    return this.records[encoderId]?.requestIds.includes(requestId) ?? false;
  }

  set(encoderId: string, build: InstalledBuild, requestId: string): void {
    const before = this.records[encoderId]?.requestIds ?? [];
    this.records[encoderId] = { build, requestIds: [...before, requestId].slice(-REMEMBERED_REQUESTS) };
    this.save();
  }

  forget(encoderId: string): void {
    if (!(encoderId in this.records)) return;
    delete this.records[encoderId];
    this.save();
  }

  private save(): void {
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(`${this.file}.new`, `${JSON.stringify(this.records, null, 2)}\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}
