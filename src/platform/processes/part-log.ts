import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const MAX_LOG_BYTES = 8 * 1024 * 1024;
const TAIL_BYTES = 8 * 1024;

/** Opens a part's log for appending; one that grew too large becomes `<file>.1` first. */
export const openPartLog = (file: string): number => {
  mkdirSync(dirname(file), { recursive: true });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
};

/** Level of pino from which on a message tells what went wrong. */
const ERROR_LEVEL = 50;

/** What a line says and whether it tells what went wrong: a log record, or text that a runtime printed. */
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
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(handle, tail, 0, tail.length, size - tail.length);
    const lines = tail.toString('utf8').trim().split('\n').map(readLine);
    const { text = '' } = lines.findLast((line) => line.isError) ?? lines.at(-1) ?? {};
    return text.slice(0, 300);
  } finally {
    closeSync(handle);
  }
};
