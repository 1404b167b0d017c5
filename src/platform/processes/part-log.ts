import {
  appendFileSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Size at which a log is put aside; the one put aside before goes then. */
export const DEFAULT_LOG_BYTES = 8 * 2 ** 20;

/** What is kept of a log that there is no room to put aside. */
const KEPT_TAIL_BYTES = 64 * 1024;
const LAST_WORDS_BYTES = 8 * 1024;

const readFrom = (fd: number, position: number, lengthBytes: number): Buffer => {
  const bytes = Buffer.alloc(lengthBytes);
  return bytes.subarray(0, readSync(fd, bytes, 0, lengthBytes, position));
};

/**
 * The log file of a process. The process writes to it by itself, through its standard streams, so that it needs
 * nobody for it and outlives its supervisor. Nothing here throws: a part must start and run also where there is no
 * room for its log.
 */
export class PartLog {
  private constructor(
    private readonly file: string,
    private readonly maxBytes: number,
    private fd: number | null,
  ) {}

  /** Opens a log for appending; where that can't be done, what the part says is lost. */
  static open(file: string, maxBytes: number): PartLog {
    let fd: number | null = null;
    try {
      mkdirSync(dirname(file), { recursive: true });
      // Appending: whatever was cut off meanwhile, the process writes on at the end of what is there.
      fd = openSync(file, 'a+');
    } catch {
      // There is no room, or no right, for a file.
    }
    const log = new PartLog(file, maxBytes, fd);
    log.keepWithinBound();
    return log;
  }

  /** For a standard stream of the process. */
  get stdio(): number | 'ignore' {
    return this.fd ?? 'ignore';
  }

  /** Renames the file to `<file>.1` once it is too large, and starts an empty one. */
  keepWithinBound(): void {
    const { fd } = this;
    if (fd === null) return;
    try {
      const { size } = fstatSync(fd);
      if (size <= this.maxBytes) return;
      if (!this.putAside(fd, size)) this.keepTail(fd, size);
    } catch {
      // Tried again at the next look.
    }
  }

  close(): void {
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }

  /** The process goes on writing to the same file, so that is copied and emptied. @returns false where there is no room */
  private putAside(fd: number, size: number): boolean {
    const aside = `${this.file}.1`;
    // First the old one goes: on a full disk that makes the room for the new one.
    rmSync(aside, { force: true });
    // What shot up between two looks must not take up the same once more.
    if (size > 2 * this.maxBytes) return false;
    try {
      copyFileSync(this.file, aside, constants.COPYFILE_FICLONE);
      const copied = statSync(aside).size;
      appendFileSync(aside, readFrom(fd, copied, fstatSync(fd).size - copied));
      ftruncateSync(fd);
      return true;
    } catch {
      rmSync(aside, { force: true });
      return false;
    }
  }

  private keepTail(fd: number, size: number): void {
    const tail = readFrom(fd, Math.max(0, size - KEPT_TAIL_BYTES), KEPT_TAIL_BYTES);
    ftruncateSync(fd);
    // Emptying it has made room for this much; whole lines only.
    writeSync(fd, tail.subarray(tail.indexOf('\n') + 1));
  }
}

/** Level of pino from which on a message reports an error. */
const ERROR_LEVEL = 50;

/** What a line says, and whether it reports an error: a log record, or text that a runtime printed. */
const readLine = (line: string): { text: string; isError: boolean } => {
  try {
    const { msg, level } = JSON.parse(line) as { msg?: unknown; level?: unknown };
    if (typeof msg === 'string') return { text: msg, isError: Number(level) >= ERROR_LEVEL };
  } catch {
    // No log record.
  }
  return { text: line, isError: /^(\w*Error|panic|fatal)\b/i.test(line) };
};

/** The last error in a part's log, else its last message, for people; empty if there is none. */
export const lastWordsIn = (file: string): string => {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return '';
  const handle = openSync(file, 'r');
  try {
    const tail = readFrom(handle, Math.max(0, size - LAST_WORDS_BYTES), LAST_WORDS_BYTES);
    const lines = tail.toString('utf8').trim().split('\n').map(readLine);
    const { text = '' } = lines.findLast((line) => line.isError) ?? lines.at(-1) ?? {};
    return text.slice(0, 300);
  } finally {
    closeSync(handle);
  }
};
