import { z } from 'zod';
import { idSchema, installedBuildSchema, type InstalledBuild } from '../domain';
import { RetriedWrite } from '../platform/retried-write';
import { RecordFile } from './record-file';

/** So many requests of an encoder are remembered, so that a late repetition of one changes nothing. */
const REMEMBERED_REQUESTS = 32;

const recordSchema = z.object({
  build: installedBuildSchema,
  /** Latest last. */
  requestIds: z.array(z.string()),
});
const fileSchema = z.record(idSchema, recordSchema);
type Records = z.infer<typeof fileSchema>;

/**
 * Which build each encoder of this machine runs, kept over restarts of the fleet agent. Where the disk refuses, a change
 * is written as soon as it takes it: an encoder must start and end on a full disk too.
 */
export class BuildRecords {
  private readonly file: RecordFile<typeof fileSchema>;
  private readonly records: Records;
  private readonly saved = new RetriedWrite(() => this.file.write(this.records));

  constructor(path: string) {
    this.file = new RecordFile(path, fileSchema);
    // Without records hosts run the default ffmpeg and report so.
    this.records = this.file.read({});
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
    this.saved.now();
  }

  forget(encoderId: string): void {
    if (!(encoderId in this.records)) return;
    delete this.records[encoderId];
    this.saved.now();
  }
}
