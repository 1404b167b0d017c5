import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RequestLog, type LoggedRequest } from '../audience';
import { UnusableInput } from './failure';

/** What was read of access logs. */
export interface LogsRead {
  lines: number;
  /** Lines that are no request in a form that is known; comments count. */
  unread: number;
}

/** Requests that are sorted in memory; more than a busy CDN writes into one file. */
const MOST_REQUESTS = 5_000_000;

const couldNotRead = (file: string, error: unknown): UnusableInput =>
  new UnusableInput(`${file} can not be read: ${(error as Error).message}`, 'Name a log file.');

const linesOf = (file: string): AsyncIterable<string> => {
  const bytes: Readable = createReadStream(file);
  const text = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  const lines = createInterface({ input: text, crlfDelay: Infinity });
  const fail = (error: Error): void => {
    lines.close();
    failure = error;
  };
  let failure: Error | undefined;
  bytes.on('error', fail);
  text.on('error', fail);
  return {
    async *[Symbol.asyncIterator]() {
      yield* lines;
      if (failure) throw failure;
    },
  };
};

/**
 * The requests of whole logs that `isWanted`, in the order of time, as CDNs do not write them. A file that ends with
 * `.gz` is unpacked.
 * @throws UnusableInput for a file that can't be read, and for more requests than can be sorted
 */
export const readAccessLogs = async (
  files: readonly string[],
  isWanted: (request: LoggedRequest) => boolean,
): Promise<LogsRead & { requests: LoggedRequest[] }> => {
  const requests: LoggedRequest[] = [];
  const read = { lines: 0, unread: 0 };
  for (const file of files) {
    const log = new RequestLog();
    try {
      for await (const line of linesOf(file)) {
        read.lines += 1;
        const request = log.read(line);
        if (!request) read.unread += 1;
        else if (isWanted(request)) requests.push(request);
        if (requests.length > MOST_REQUESTS) break;
      }
    } catch (error) {
      throw couldNotRead(file, error);
    }
    if (requests.length > MOST_REQUESTS) {
      throw new UnusableInput(
        `The logs hold more than ${MOST_REQUESTS} requests of viewers.`,
        'Import them in parts, in the order of time.',
      );
    }
  }
  return { ...read, requests: requests.sort((a, b) => a.atMs - b.atMs) };
};
