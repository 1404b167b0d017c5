import { setMaxListeners } from 'node:events';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReadersReport {
  requests: number;
  failures: number;
  latenciesMs: number[];
}

/** Players that ask for a media playlist once a second each, on a connection of their own, until aborted. */
export const readPlaylists = async (options: {
  urls: readonly string[];
  readers: number;
  random: () => number;
  signal: AbortSignal;
}): Promise<ReadersReport> => {
  setMaxListeners(0, options.signal);
  const agent = new Agent({ keepAlive: true, maxSockets: options.readers });
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
  const reader = async (index: number): Promise<void> => {
    await sleep(options.random() * 1_000);
    while (!options.signal.aborted) {
      const nextAtMs = performance.now() + 1_000;
      await ask(options.urls[index % options.urls.length]!);
      await sleep(Math.max(0, nextAtMs - performance.now()), undefined, { signal: options.signal }).catch(
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: options.readers }, (_, i) => reader(i)));
  agent.destroy();
  return report;
};
