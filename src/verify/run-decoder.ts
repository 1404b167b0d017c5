import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { spawnConfined } from '../platform/processes/confined';

export interface DecoderRun {
  path: string;
  args: readonly string[];
  /** Segments, given to standard input one after the other; null: nothing is given. */
  segmentPaths: readonly string[] | null;
  deadlineMs: number;
  mostComplaints: number;
  /** Lines that are no complaint. */
  ignored?: RegExp;
  onOutput: (chunk: Buffer) => void;
  /** What it writes to descriptor 3; absent: it has none. */
  onText?: (text: string) => void;
}

/**
 * Runs an ffmpeg that decodes, to its end.
 * @returns what it complained of, first lines only, and how it ended, unless well
 * @throws Error when there is no such program
 */
export const runDecoder = async (run: DecoderRun): Promise<string[]> => {
  const { segmentPaths, deadlineMs, mostComplaints, ignored, onText } = run;
  // What is verified came from encoder hosts, whose builds may be anybody's.
  const ffmpeg = spawnConfined(run.path, run.args, {
    stdio: ['pipe', 'pipe', 'pipe', ...(onText ? (['pipe'] as const) : [])],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  const [stdin, stdout, stderr, text] = ffmpeg.stdio;
  if (!stdin || !stdout || !stderr) throw new Error('spawn gave no pipes');
  const closed = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    ffmpeg.once('error', reject);
    ffmpeg.once('close', (code, signal) => resolve(signal ?? code));
  });
  if (onText) (text as Readable).setEncoding('utf8').on('data', onText);
  stdout.on('data', run.onOutput);
  const complaints: string[] = [];
  createInterface(stderr).on('line', (line) => {
    if (complaints.length >= mostComplaints || ignored?.test(line)) return;
    complaints.push(line.replace(/^\[(\w+) @ 0x[0-9a-f]+\]/, '[$1]'));
  });
  // A decoder that gives up closes its input: how it ended says more than the broken pipe.
  const fed = segmentPaths
    ? pipeline(Readable.from(bytesOf(segmentPaths), { objectMode: false }), stdin).catch(() => undefined)
    : stdin.end();
  const [end] = await Promise.all([closed, fed]);
  if (end !== 0) complaints.push(end === 'SIGKILL' ? `no end within ${deadlineMs} ms` : `ended with ${end}`);
  return complaints;
};

async function* bytesOf(paths: readonly string[]): AsyncGenerator<Buffer> {
  for (const path of paths) yield* createReadStream(path) as AsyncIterable<Buffer>;
}
