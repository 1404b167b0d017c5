import { setMaxListeners } from 'node:events';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReadersReport {
  requests: number;
  failures: number;
  latenciesMs: number[];
}

interface ReaderOptions {
  /** Media playlists: reader n asks for that of channel n. */
  playlists: readonly string[];
  readers: number;
  /** How often each reader asks. */
  everyMs: number;
  random: () => number;
  signal: AbortSignal;
}

/** A connection of its own for each reader, kept from one request to the next. */
const startReaders = async (
  { readers, everyMs, random, signal }: ReaderOptions,
  urlOf: (reader: number) => string | null,
): Promise<ReadersReport> => {
  setMaxListeners(0, signal);
  const agent = new Agent({ keepAlive: true, maxSockets: readers });
  const report: ReadersReport = { requests: 0, failures: 0, latenciesMs: [] };
  const ask = (url: string): Promise<void> =>
    new Promise((resolve) => {
      const beganAtMs = performance.now();
      const request = get(url, { agent, timeout: 10_000 }, (response) => {
        if (response.statusCode !== 200) report.failures += 1;
        response.resume().on('close', () => {
          report.requests += 1;
          report.latenciesMs.push(performance.now() - beganAtMs);
          resolve();
        });
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => {
        report.failures += 1;
        resolve();
      });
    });
  const pause = (ms: number): Promise<void> =>
    sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
  const reader = async (index: number): Promise<void> => {
    await pause(random() * everyMs);
    while (!signal.aborted) {
      const nextAtMs = performance.now() + everyMs;
      const url = urlOf(index);
      if (url !== null) await ask(url);
      await pause(nextAtMs - performance.now());
    }
  };
  await Promise.all(Array.from({ length: readers }, (_, i) => reader(i)));
  agent.destroy();
  return report;
};

/** Players that ask for a media playlist so often, until aborted. */
export const readPlaylists = (options: ReaderOptions): Promise<ReadersReport> =>
  startReaders(options, (reader) => options.playlists[reader % options.playlists.length]!);

/** The last segment that a playlist lists. */
const newestIn = (playlist: string, url: string): string | null => {
  const last = playlist.split('\n').findLast((line) => line !== '' && !line.startsWith('#'));
  return last === undefined ? null : new URL(last, url).href;
};

/** Players that ask for the newest segment so often; one more player of each channel tells which that is. */
export const readSegments = async (options: ReaderOptions): Promise<ReadersReport> => {
  const { playlists, everyMs, signal } = options;
  const newest: (string | null)[] = playlists.map(() => null);
  const look = async (): Promise<void> => {
    while (!signal.aborted) {
      await Promise.all(
        playlists.map(async (url, i) => {
          const answer = await fetch(url, { signal }).catch(() => null);
          if (answer?.ok) newest[i] = newestIn(await answer.text(), url);
        }),
      ).catch(() => undefined);
      await sleep(everyMs / 2, undefined, { signal }).catch(() => undefined);
    }
  };
  const [report] = await Promise.all([
    startReaders(options, (reader) => newest[reader % newest.length]!),
    look(),
  ]);
  return report;
};
