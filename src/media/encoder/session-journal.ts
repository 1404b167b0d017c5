import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { prepareSchema, toWirePrepare, type PrepareSession } from '../../contracts/encoder/requests';
import { digestSchema } from '../../domain';
import { makeDirectoryDurably, replacePrivateFile } from '../../platform/durable-file';
import type { Logger } from '../../platform/logger';
import { resumeFileOf } from '../../platform/resume-file';
import { pause } from '../../platform/retry';

const RETRY_MS = 1_000;

/** A session that publishes: what it was ordered to do, and what makes it the owner of its channel. */
export interface PublishingSession {
  order: PrepareSession;
  /** Fencing token. */
  token: number;
  /** Shown to the origin with each GOP. */
  secret: string;
}

const fileSchema = z.object({
  format: z.literal(1),
  /** SHA-256 of the ffmpeg that these sessions ran. */
  buildDigest: digestSchema,
  sessions: z.array(z.object({ order: prepareSchema, token: z.int().min(1), secret: z.string().min(1) })),
});
type JournalFile = z.output<typeof fileSchema>;

/**
 * The sessions of this host that publish, in a file that only its owner may read (their secrets are in it), so that they can
 * go on after a restart of the swarm (see keepForResume) without any order. What is written is never waited for: a journal
 * that is behind names owners that the origin does not know any more, and they are not resumed.
 */
export class SessionJournal {
  private current: readonly PublishingSession[] = [];
  private isBehind = false;
  private writing: Promise<void> | null = null;
  private readonly closing = new AbortController();

  constructor(
    private readonly file: string,
    private readonly buildDigest: () => Promise<string | undefined>,
    private readonly log: Logger,
  ) {}

  /** Sessions to go on with, once; none where there are none, where they ran another build, or where the file is not sound. */
  async takeForResume(): Promise<PublishingSession[]> {
    const file = resumeFileOf(this.file);
    const kept = await this.read(file);
    await rm(file, { force: true }).catch(() => undefined);
    if (kept === null || kept.sessions.length === 0) return [];
    if (kept.buildDigest === (await this.buildDigest())) return kept.sessions;
    this.log.info('the sessions of the last run had another ffmpeg; they are not resumed');
    return [];
  }

  /** Notes what publishes now, as soon as the disk takes it. */
  note(sessions: readonly PublishingSession[]): void {
    if (this.closing.signal.aborted) return;
    this.current = sessions;
    this.isBehind = true;
    this.writing ??= this.write().finally(() => {
      this.writing = null;
    });
  }

  /** From now on nothing is noted: the file tells what published when the host stopped. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.writing;
  }

  private async read(file: string): Promise<JournalFile | null> {
    try {
      return fileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.log.warn(
          { file, cause: (error as Error).message },
          'the sessions of the last run can not be read',
        );
      }
      return null;
    }
  }

  private async write(): Promise<void> {
    while (this.isBehind) {
      this.isBehind = false;
      const sessions = this.current.map(({ order, ...rest }) => ({ ...rest, order: toWirePrepare(order) }));
      const text = JSON.stringify({ format: 1, buildDigest: await this.buildDigest(), sessions });
      try {
        await makeDirectoryDurably(dirname(this.file));
        await replacePrivateFile(this.file, `${text}\n`);
      } catch {
        if (this.closing.signal.aborted) return;
        this.isBehind = true;
        await pause(RETRY_MS, this.closing.signal);
      }
    }
  }
}
