import { Transform, type Readable } from 'node:stream';
import { FfmpegProcess, type InputProcess } from './ffmpeg-process';
import type { Sender } from './sender';
import { SpliceCarrier } from './splice-carrier';

/** An input whose bytes come from a sender that has connected, by way of a SpliceCarrier where it holds SCTE-35. */
export class TakenInput implements InputProcess {
  readonly output: Readable;
  readonly outputs: readonly Readable[];
  readonly exited: Promise<number | null>;
  private readonly ffmpeg: FfmpegProcess;

  constructor(
    ffmpegPath: string,
    args: readonly string[],
    private readonly sender: Sender,
    { extraOutputs, hasSplices }: { extraOutputs: number; hasSplices: boolean },
  ) {
    this.ffmpeg = new FfmpegProcess(ffmpegPath, args, { input: true, extraOutputs });
    ({ output: this.output, outputs: this.outputs } = this.ffmpeg);
    const to = this.ffmpeg.input!;
    if (hasSplices) {
      const carrier = new SpliceCarrier();
      const dress = new Transform({
        transform: (chunk: Buffer, _encoding, done) => done(null, carrier.push(chunk)),
      });
      dress.pipe(to);
      sender.giveTo(dress);
      to.on('close', () => dress.destroy());
    } else sender.giveTo(to);
    this.exited = this.ffmpeg.exited.finally(() => sender.close());
  }

  get lastWords(): string {
    return this.ffmpeg.lastWords;
  }

  async end(): Promise<void> {
    this.sender.close();
    await this.ffmpeg.end();
  }
}
