import { writeSync } from 'node:fs';

/** Lines that wait for room, in bytes. What comes when they are full is dropped and counted. */
const MAX_WAITING_BYTES = 64 * 1024;
const RETRY_MS = 1_000;
const NEWLINE = Buffer.from('\n');
/** A line longer than this has its texts cut. */
const MAX_LINE_BYTES = 4 * 1024;
const MAX_TEXT_LENGTH = 1_000;

const cutText = (text: string): string =>
  text.length <= MAX_TEXT_LENGTH
    ? text
    : `${text.slice(0, MAX_TEXT_LENGTH)} … (${text.length - MAX_TEXT_LENGTH} characters more)`;

/** A line of bounded length: the texts in a record are cut; of what is too long even then, only the length is written. */
const cutLine = (line: string): string => {
  try {
    const shorten = (_key: string, value: unknown): unknown =>
      typeof value === 'string' ? cutText(value) : value;
    const cut = JSON.stringify(JSON.parse(line, shorten));
    if (cut.length <= 4 * MAX_LINE_BYTES) return `${cut}\n`;
    const { level, time, part, pid, msg } = JSON.parse(cut) as Record<string, unknown>;
    return `${JSON.stringify({ level, time, part, pid, msg, leftOutBytes: cut.length })}\n`;
  } catch {
    return `${cutText(line.trimEnd())}\n`;
  }
};

export interface LogDestinationOptions {
  /** File descriptor that lines are written to. */
  fd: number;
  /** The line that says how many were dropped, and why: the code of the file system's error. */
  notice: (dropped: number, cause: string) => string;
  /** As `fs.writeSync`; a test's own. */
  write?: (fd: number, bytes: Buffer) => number;
}

/**
 * Where log lines go. It never throws and never waits: on a full disk, or with a reader that is gone, the first lines
 * are kept for later and the others are dropped. Once there is room, whole lines follow, with the number of those
 * that were dropped.
 */
export class LogDestination {
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private dropped = 0;
  private cause = '';
  /** What was written last is no whole line. */
  private torn = false;
  private retry: NodeJS.Timeout | null = null;

  constructor(private readonly options: LogDestinationOptions) {}

  /** Writes a line that ends with a newline, or keeps it for later. */
  write(line: string): void {
    const bytes = Buffer.from(line.length > MAX_LINE_BYTES ? cutLine(line) : line);
    if (!this.fits(bytes)) this.flush();
    if (this.fits(bytes)) {
      this.wait(bytes);
      this.flush();
    } else this.dropped += 1;
  }

  private fits(bytes: Buffer): boolean {
    return this.waitingBytes + bytes.length <= MAX_WAITING_BYTES;
  }

  private wait(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
  }

  private flush(): void {
    try {
      this.writeWaiting();
      if (this.dropped === 0) return;
      this.wait(Buffer.from(this.options.notice(this.dropped, this.cause)));
      this.dropped = 0;
      this.writeWaiting();
    } catch (error) {
      this.cause = (error as NodeJS.ErrnoException).code ?? String(error);
      this.retry ??= setTimeout(() => {
        this.retry = null;
        this.flush();
      }, RETRY_MS).unref();
    }
  }

  /**
   * A line that went out in part is written again as a whole, on a line of its own: others may write to the same file
   * in between.
   * @throws Error of the file system
   */
  private writeWaiting(): void {
    const { fd, write = writeSync } = this.options;
    for (let [first] = this.waiting; first; [first] = this.waiting) {
      const line = this.torn ? Buffer.concat([NEWLINE, first]) : first;
      for (let done = 0; done < line.length;) {
        done += write(fd, line.subarray(done));
        this.torn = done < line.length;
      }
      this.waiting.shift();
      this.waitingBytes -= first.length;
    }
  }
}
