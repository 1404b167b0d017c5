import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../../platform/durable-file';
import { noNotes, replicaNotesSchema, type ReplicaNotes } from './records';

/** `replica.json` of a channel's folder. What can't be read counts as lost, as the disk that it was on. */
export class ReplicaNotesFile {
  private readonly path: string;
  private current: ReplicaNotes = noNotes;

  constructor(channelDirectory: string) {
    this.path = join(channelDirectory, 'replica.json');
  }

  get notes(): ReplicaNotes {
    return this.current;
  }

  async load(): Promise<void> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    try {
      this.current = replicaNotesSchema.parse(JSON.parse(text));
    } catch {
      this.current = noNotes;
    }
  }

  /** Durable when it resolves, and in force only then. */
  async save(notes: ReplicaNotes): Promise<void> {
    await replaceFile(this.path, `${JSON.stringify(notes)}\n`);
    this.current = notes;
  }
}
