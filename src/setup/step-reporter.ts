/** Where progress is written; process.stdout is one. */
export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const LIVE_REFRESH_MS = 500;
/** Without a terminal, a line about each running step so often. */
const PLAIN_REFRESH_MS = 15_000;
const NAME_COLUMN = 12;

interface RunningStep {
  name: string;
  startedAtMs: number;
  lastLine: string;
}

const seconds = (sinceMs: number): string => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;

/**
 * Shows steps to people: one line with a tick, what came of it and its time when a step ends, and for those
 * still running the time so far and the last thing they said. Steps may run side by side.
 */
export class StepReporter {
  private readonly running = new Set<RunningStep>();
  private timer: NodeJS.Timeout | null = null;
  private liveLineShown = false;
  private failed = false;

  constructor(private readonly screen: Screen) {}

  /**
   * Runs one step and shows it.
   * @param describe what came of it, in a few words
   * @throws whatever `work` throws, after showing that the step failed
   */
  async step<T>(
    name: string,
    work: (progress: (line: string) => void) => Promise<T>,
    describe: (result: T) => string = () => '',
  ): Promise<T> {
    const step: RunningStep = { name, startedAtMs: Date.now(), lastLine: '' };
    this.running.add(step);
    const refreshMs = this.screen.isTTY ? LIVE_REFRESH_MS : PLAIN_REFRESH_MS;
    this.timer ??= setInterval(() => this.refresh(), refreshMs);
    try {
      const result = await work((line) => (step.lastLine = line));
      this.end(step, '✓', describe(result));
      return result;
    } catch (error) {
      // Steps that fail after the first one mostly do so because of it.
      if (!this.failed) this.end(step, '✗', '');
      else this.forget(step);
      this.failed = true;
      throw error;
    }
  }

  /** Writes a line of its own. */
  line(text: string): void {
    this.clearLiveLine();
    this.screen.write(`${text}\n`);
  }

  private forget(step: RunningStep): void {
    this.running.delete(step);
    if (this.running.size === 0 && this.timer) {
      clearInterval(this.timer);
      this.timer = null;
    }
  }

  private end(step: RunningStep, mark: string, outcome: string): void {
    this.forget(step);
    const time = seconds(step.startedAtMs).padStart(7);
    this.line(`  ${mark} ${step.name.padEnd(NAME_COLUMN)} ${time}  ${outcome}`.trimEnd());
  }

  private refresh(): void {
    const describe = (s: RunningStep): string => `${s.name} ${seconds(s.startedAtMs)} ${s.lastLine}`.trim();
    if (!this.screen.isTTY) {
      for (const step of this.running) this.screen.write(`  … ${describe(step)}\n`);
      return;
    }
    const text = `  … ${[...this.running].map(describe).join(' | ')}`;
    this.clearLiveLine();
    this.screen.write(text.slice(0, (this.screen.columns ?? 80) - 1));
    this.liveLineShown = true;
  }

  private clearLiveLine(): void {
    if (this.liveLineShown) this.screen.write('\r\u001b[2K');
    this.liveLineShown = false;
  }
}
