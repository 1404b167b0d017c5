import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { spawnConfined } from '../../platform/processes/confined';
import { withHiddenAddresses } from './hidden-addresses';

const KEPT_WORDS_BYTES = 4_096;
const GRACE_MS = 2_000;

/** What brings an input as MPEG-TS. */
export interface InputProcess {
  readonly output: Readable;
  /** All that it writes to, `output` first. */
  readonly outputs: readonly Readable[];
  /** Settles with the exit code, or null when it was killed or could not be started. */
  readonly exited: Promise<number | null>;
  /** Its last line on standard error: usually the cause of its end. */
  readonly lastWords: string;
  /** Asks it to end, then makes it. */
  end(): Promise<void>;
}

/** One ffmpeg that writes to its standard output; it never outlives `end`. */
export class FfmpegProcess implements InputProcess {
  readonly output: Readable;
  /** Standard input, where asked for. */
  readonly input: Writable | null;
  /** Descriptor 3, where a second input was asked for. */
  readonly secondInput: Writable | null;
  /** What it writes to each of its descriptors: standard output first, then those asked for. */
  readonly outputs: readonly Readable[];
  /** Settles with the exit code, or null when it was killed or could not be started. */
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;
  private said = '';

  /**
   * @param pipes descriptors from 3 on: the second input, then the extra outputs; `hidesNothing`: its arguments hold no
   *   secret
   */
  constructor(
    path: string,
    args: readonly string[],
    pipes: { input?: boolean; secondInput?: boolean; extraOutputs?: number; hidesNothing?: boolean } = {},
  ) {
    const { input = false, secondInput = false, extraOutputs = 0, hidesNothing = false } = pipes;
    const extra = Array.from({ length: Number(secondInput) + extraOutputs }, () => 'pipe' as const);
    const stdio: StdioOptions = [input ? 'pipe' : 'ignore', 'pipe', 'pipe', ...extra];
    // What is not given its input opens it.
    this.child = spawnConfined(path, hidesNothing ? args : withHiddenAddresses(args), {
      stdio,
      network: !input,
    });
    const { stdin, stdout, stderr, stdio: all } = this.child;
    if (!stdout || !stderr) throw new Error('spawn gave no pipes');
    this.output = stdout;
    this.input = stdin;
    const beyond = all.slice(3);
    this.secondInput = secondInput ? (beyond.shift() as Writable) : null;
    this.outputs = [stdout, ...(beyond as Readable[])];
    // A write to an ffmpeg that has just ended fails; its exit says more than the broken pipe.
    this.input?.on('error', () => undefined);
    this.secondInput?.on('error', () => undefined);
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-KEPT_WORDS_BYTES);
    });
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.said += error.message;
        resolve(null);
      });
      this.child.on('close', (code) => resolve(code));
    });
  }

  /** What it has said last, on standard error. */
  get words(): string {
    return this.said;
  }

  /** Its last line on standard error: usually the cause of its end. */
  get lastWords(): string {
    return this.said.trim().split('\n').at(-1) ?? '';
  }

  /** Asks it to end, then makes it. */
  async end(): Promise<void> {
    this.child.kill('SIGTERM');
    // It looks at signals between reads only.
    this.input?.destroy();
    this.secondInput?.destroy();
    const force = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    // Nobody reads on: without this a full pipe would keep the exit from being noticed.
    for (const output of this.outputs) output.unpipe().resume();
    await this.exited;
    clearTimeout(force);
  }
}
