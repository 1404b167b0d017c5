import { setPriority } from 'node:os';
import { checkStretch, type Stretch } from './continuity-check';

/** Process of its own, so that decoding takes its time from nobody: asked over IPC for one stretch after the other. */

const NICE = 10;

export interface CheckRequest {
  number: number;
  stretch: Stretch;
  keyHex: string;
  ffmpegPaths: string[];
  isLast: boolean;
}

export interface CheckAnswer {
  number: number;
  checked?: Awaited<ReturnType<typeof checkStretch>>;
  error?: string;
}

setPriority(NICE);
// Ctrl-C at a terminal reaches the whole group; the run that asks ends this process.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (request: CheckRequest) => {
  const { number, stretch, keyHex, ffmpegPaths, isLast } = request;
  checkStretch(stretch, { key: Buffer.from(keyHex, 'hex'), ffmpegPaths, isLast }).then(
    (checked) => process.send?.({ number, checked } satisfies CheckAnswer),
    (error: unknown) => process.send?.({ number, error: (error as Error).message } satisfies CheckAnswer),
  );
});
