import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { replaceFileSync } from '../platform/durable-file';

/**
 * Small records that outlive the fleet agent, as JSON in a file that is replaced in one step, durably. A file that is not there
 * or not sound is as good as none: the control cycle repairs what is missing.
 */
export class RecordFile<S extends z.ZodType> {
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

  /** @throws Error of the file system */
  write(records: z.output<S>): void {
    mkdirSync(dirname(this.path), { recursive: true });
    replaceFileSync(this.path, `${JSON.stringify(records, null, 2)}\n`);
  }
}
