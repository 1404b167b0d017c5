import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Encoders that have left, whose last words may still be wanted. */
const KEPT = 4;
/** Of a host that got its number from the fleet. Those that were asked for at the start come again. */
const LOG = /^(enc-\d+)\.log(\.1)?$/;

/**
 * Removes the logs of encoders that have left, but for the last ones. Each new encoder gets a new number: a fleet that grows
 * and shrinks with its audience would leave logs without end. Never throws: it is tried again when the next one leaves.
 * @param present encoders of the fleet
 */
export const trimDepartedLogs = (logsDir: string, present: ReadonlySet<string>): void => {
  try {
    const departed = new Map<string, { files: string[]; atMs: number }>();
    for (const name of readdirSync(logsDir)) {
      const [, id] = LOG.exec(name) ?? [];
      if (id === undefined || present.has(id)) continue;
      const file = join(logsDir, name);
      const { files, atMs } = departed.get(id) ?? { files: [], atMs: -Infinity };
      departed.set(id, { files: [...files, file], atMs: Math.max(atMs, statSync(file).mtimeMs) });
    }
    const latestFirst = [...departed.values()].sort((one, other) => other.atMs - one.atMs);
    for (const { files } of latestFirst.slice(KEPT)) for (const file of files) rmSync(file, { force: true });
  } catch {
    // No folder, or no right.
  }
};
