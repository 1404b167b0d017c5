import { setCurrentDetails } from '@temporalio/workflow';
import type { MoveStep } from '../../src/domain';
import { causeOf } from './failures';

const clock = (atMs: number): string => new Date(atMs).toISOString().slice(11, 23);

/**
 * The steps of a move, as data for its result and as a story that grows in Temporal's UI (current details).
 * Times are those of the activities: a workflow's own clock stands still between its tasks.
 */
export class Story {
  readonly steps: MoveStep[] = [];
  private readonly lines: string[] = [];
  private lastAtMs: number;

  constructor(
    private readonly heading: string,
    startedAtMs: number,
  ) {
    this.lastAtMs = startedAtMs;
    this.show();
  }

  /** Adds a line that is no step. */
  say(line: string): void {
    this.lines.push(`- ${line}`);
    this.show();
  }

  /** Runs a step and tells how it went. */
  async step<T>(name: string, run: () => Promise<T>, note: (done: T) => string = () => ''): Promise<T> {
    const startedAtMs = Math.max(this.lastAtMs, Date.now());
    setCurrentDetails(this.text([`- ${clock(startedAtMs)} **${name}** …`]));
    try {
      const done = await run();
      const { atMs } = (done ?? {}) as { atMs?: number };
      this.end({ name, startedAtMs, finishedAtMs: atMs ?? Date.now(), ok: true, note: note(done) });
      return done;
    } catch (error) {
      const { code, message } = causeOf(error);
      this.end({ name, startedAtMs, finishedAtMs: Date.now(), ok: false, note: `${code}: ${message}` });
      throw error;
    }
  }

  private end({ note, ...step }: MoveStep): void {
    const finishedAtMs = Math.max(step.startedAtMs, step.finishedAtMs);
    this.lastAtMs = finishedAtMs;
    this.steps.push({ ...step, finishedAtMs, ...(note && { note }) });
    const mark = step.ok ? '' : ' **failed**';
    const tookMs = finishedAtMs - step.startedAtMs;
    this.lines.push(`- ${clock(finishedAtMs)} **${step.name}**${mark} ${note ?? ''} _(${tookMs} ms)_`);
    this.show();
  }

  private text(more: string[] = []): string {
    return [`### ${this.heading}`, ...this.lines, ...more].join('\n');
  }

  private show(): void {
    setCurrentDetails(this.text());
  }
}
