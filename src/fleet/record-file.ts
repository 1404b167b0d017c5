import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { RetriedWrite } from '../platform/retried-write';

/**
 * Small records that outlive the fleet agent, as JSON in a file that is replaced in one step. A file that is not there
 * or not sound is as good as none: the control cycle repairs what is missing.
 */
export class RecordFile<S extends z.ZodType> {
  private latest: z.output<S> | undefined;
  private readonly saved = new RetriedWrite(() => this.replace());

  constructor(
    private readonly path: string,
    private readonly schema: S,
  ) {}

  /** @param none what to begin with where there is nothing to read */
  read(none: z.output<S>): z.output<S> {
    try {
      return this.schema.parse(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch {
      return none;
    }
  }

  /** Where the disk refuses, written as soon as it takes it: an encoder must start and end on a full disk too. */
  write(records: z.output<S>): void {
    this.latest = records;
    this.saved.now();
  }

  /** @throws Error of the file system */
  private replace(): void {
    mkdirSync(dirname(this.path), { recursive: true });
    writeFileSync(`${this.path}.new`, `${JSON.stringify(this.latest, null, 2)}\n`);
    renameSync(`${this.path}.new`, this.path);
  }
}
