import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { spliceSchema, type Splice } from '../../domain';
import { makeDirectoryDurably, replaceFile } from '../../platform/durable-file';
import { setAside } from '../../platform/set-aside';

const fileSchema = z.object({ splices: z.array(spliceSchema) });

/** The splices of a channel that are not over, on disk: `splices.json` beside its ring. */
export class SpliceFile {
  private readonly path: string;

  constructor(private readonly directory: string) {
    this.path = join(directory, 'splices.json');
  }

  /** None where there is no file; one that is none of ours is set aside. */
  async load(): Promise<Splice[]> {
    try {
      return fileSchema.parse(JSON.parse(await readFile(this.path, 'utf8'))).splices;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await setAside(this.path);
      return [];
    }
  }

  /** Durable once it resolves. */
  async save(splices: readonly Splice[]): Promise<void> {
    await makeDirectoryDurably(this.directory);
    await replaceFile(this.path, `${JSON.stringify({ splices })}\n`);
  }
}
