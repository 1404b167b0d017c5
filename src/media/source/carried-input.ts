import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { FfmpegProcess, type InputProcess } from './ffmpeg-process';
import { isRegularFile, pathOf } from './probe';
import { rawInputArguments } from './raw-input';
import { SpliceCarrier } from './splice-carrier';

/** An MPEG-TS input that goes through a SpliceCarrier on its way to ffmpeg. */
export class CarriedInput implements InputProcess {
  readonly output: Readable;
  readonly outputs: readonly Readable[];
  readonly exited: Promise<number | null>;
  private readonly ffmpeg: FfmpegProcess;
  private reader: FfmpegProcess | null = null;
  private file: Readable | null = null;
  private fault = '';
  private over = false;

  constructor(
    private readonly ffmpegPath: string,
    private readonly url: string,
    args: readonly string[],
    extraOutputs: number,
  ) {
    this.ffmpeg = new FfmpegProcess(ffmpegPath, args, { input: true, extraOutputs });
    this.output = this.ffmpeg.output;
    this.outputs = this.ffmpeg.outputs;
    this.exited = this.run();
  }

  get lastWords(): string {
    return this.fault || this.ffmpeg.lastWords;
  }

  async end(): Promise<void> {
    this.over = true;
    this.file?.destroy();
    await Promise.all([this.ffmpeg.end(), this.reader?.end()]);
    await this.exited;
  }

  /** The exit code of the first that failed. */
  private async run(): Promise<number | null> {
    const fed = this.feed();
    const code = await this.ffmpeg.exited;
    this.over = true;
    this.file?.destroy();
    if (code !== 0) await this.reader?.end();
    const readerCode = await fed;
    return code === 0 ? readerCode : code;
  }

  /** Resolves with the exit code of what reads the input. */
  private async feed(): Promise<number | null> {
    if (await isRegularFile(this.url)) {
      this.file = createReadStream(pathOf(this.url));
      if (this.over) this.file.destroy();
      return this.carry(this.file);
    }
    if (this.over) return null;
    this.reader = new FfmpegProcess(this.ffmpegPath, rawInputArguments(this.url));
    await this.carry(this.reader.output);
    const code = await this.reader.exited;
    if (code !== 0) this.fault = this.reader.lastWords;
    return code;
  }

  /** Resolves with 0 once all is handed on, or ffmpeg takes no more; with 1 where reading fails. */
  private carry(from: Readable): Promise<number> {
    const to = this.ffmpeg.input!;
    const carrier = new SpliceCarrier();
    return new Promise((resolve) => {
      from.on('data', (chunk: Buffer) => {
        if (to.writable && !to.write(carrier.push(chunk))) from.pause();
      });
      to.on('drain', () => from.resume());
      // Nobody reads any more: what still comes is passed over, so that the reader can end.
      to.on('close', () => from.resume());
      from.on('error', (error) => {
        this.fault = error.message;
        to.end();
        resolve(1);
      });
      from.on('close', () => {
        to.end();
        resolve(0);
      });
    });
  }
}
