import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile, replaceFile } from '../../../platform/durable-file';
import type { Logger } from '../../../platform/logger';
import { noNotes, replicaNotesSchema, type ReplicaNotes, type SharedRecord } from './records';

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

  /** None is there from here on, also after a crash. */
  async discard(): Promise<void> {
    await removeFile(this.path);
    this.current = noNotes;
  }

  /** Durable when it resolves, and in force only then. */
  async save(notes: ReplicaNotes): Promise<void> {
    await replaceFile(this.path, `${JSON.stringify(notes)}\n`);
    this.current = notes;
  }
}

/** A copy of what the store has of a channel, for a start while the store is away: players are served by it. */
export class RecordCopy {
  private written: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(
    private readonly path: string,
    private readonly log: Logger,
  ) {}

  /** Writes it, one after the other, as soon as that is possible. */
  write(record: SharedRecord): void {
    this.written = this.written.then(() => this.replace(record));
  }

  /** Nothing is written any more once it resolves. */
  async end(): Promise<void> {
    this.ended = true;
    await this.written;
  }

  private async replace(record: SharedRecord): Promise<void> {
    if (this.ended) return;
    await replaceFile(this.path, `${JSON.stringify(record)}\n`).catch((error: unknown) => {
      this.log.debug({ err: error, path: this.path }, 'the copy of the record was not written');
    });
  }
}
