import { MultiBar, type SingleBar } from 'cli-progress';

const PLAIN_EVERY_MS = 30_000;

interface Screen extends NodeJS.WritableStream {
  isTTY?: boolean;
}

export interface Done {
  faults: number;
  moves: number;
  framesChecked: number;
  elapsedMs: number;
}

const wordsOf = ({ faults, moves, framesChecked }: Done): string =>
  `${faults} faults, ${moves} moves, ${framesChecked} frames checked`;

/** How far a run is: a bar below the lines at a terminal, a line now and then in a pipe. */
export class ChaosProgress {
  private readonly bars: MultiBar | null;
  private bar: SingleBar | null = null;
  private toldAtMs = 0;

  constructor(
    private readonly screen: Screen,
    private readonly lastsMs: number,
  ) {
    this.bars = screen.isTTY
      ? new MultiBar({
          format: 'chaos [{bar}] {value} of {total} s, {words}',
          hideCursor: true,
          clearOnComplete: true,
          stream: screen,
        })
      : null;
  }

  line(text: string): void {
    const line = `  ${new Date().toLocaleTimeString('en-GB')} ${text}\n`;
    if (this.bar) this.bars?.log(line);
    else this.screen.write(line);
  }

  update(done: Done): void {
    const words = wordsOf(done);
    const seconds = Math.round(done.elapsedMs / 1_000);
    if (this.bars) {
      this.bar ??= this.bars.create(Math.round(this.lastsMs / 1_000), 0, { words });
      this.bar.update(seconds, { words });
    } else if (Date.now() - this.toldAtMs > PLAIN_EVERY_MS) {
      this.toldAtMs = Date.now();
      this.line(`${seconds} of ${Math.round(this.lastsMs / 1_000)} s: ${words}`);
    }
  }

  stop(): void {
    this.bars?.stop();
    this.bar = null;
  }
}
