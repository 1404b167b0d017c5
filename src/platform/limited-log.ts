import type { Logger } from './logger';

/** So many lines of one kind at once, and one more each REFILL_MS. */
const BURST_LINES = 20;
const REFILL_MS = 1_000;
const MAX_URL_LENGTH = 200;

interface Allowance {
  lines: number;
  atMs: number;
  leftOut: number;
}

/** A URL for a log line: a client decides how long it is. */
export const urlForLog = (url: string): string => {
  const told = url.replace(/^\/play\/[^/?]*/, '/play/***');
  return told.length <= MAX_URL_LENGTH
    ? told
    : `${told.slice(0, MAX_URL_LENGTH)}… (${told.length} characters)`;
};

/**
 * Logs what others can cause as often as they like, such as refusals, at a bounded rate: each kind on its own, so that
 * one does not hide another. What is left out is counted, and reported with the next line of that kind.
 */
export class LimitedLog {
  private readonly byKind = new Map<string, Allowance>();

  /** @param now monotonic milliseconds; a test's own clock */
  constructor(
    private readonly log: Logger,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param kind one of few, fixed ones: an error's code, not its text */
  write(level: 'debug' | 'warn' | 'error', kind: string, fields: object, message: string): void {
    const atMs = this.now();
    const known = this.byKind.get(kind) ?? { lines: BURST_LINES, atMs, leftOut: 0 };
    const lines = Math.min(BURST_LINES, known.lines + (atMs - known.atMs) / REFILL_MS);
    if (lines < 1) {
      this.byKind.set(kind, { lines, atMs, leftOut: known.leftOut + 1 });
      return;
    }
    this.byKind.set(kind, { lines: lines - 1, atMs, leftOut: 0 });
    this.log[level]({ ...fields, ...(known.leftOut > 0 && { leftOut: known.leftOut }) }, message);
  }
}
