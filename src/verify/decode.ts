import type { FfmpegCapabilities } from '../media/encoder/ffmpeg-capabilities';
import { runDecoder } from './run-decoder';

/** Segments of one picture size, handed to the decoder as a local playlist or one after the other. */
export type DecoderInput = { as: 'playlist'; path: string } | { as: 'concatenation'; segmentPaths: string[] };

/** What is looked at of each decoded picture. */
export interface Look<Reading> {
  /** Filters that every picture passes first, each with a comma behind it. */
  before?: string;
  /** Filters that leave the luma that is read. */
  filter: string;
  /** How many bytes that is, of a picture of this size (after `before`). */
  bytesOf: (widthPx: number, heightPx: number) => number;
  /** The buffer is used again for the next picture. */
  read: (luma: Uint8Array, widthPx: number, heightPx: number) => Reading;
}

export interface Decoding<Reading> {
  /** `ptsTicks`: as the decoder gives it, 1/90000 s. `reading`: null when no picture was asked for or came. */
  frames: { ptsTicks: number; reading: Reading | null }[];
  /** What the decoder complained of, first lines only; empty when all went well. */
  complaints: string[];
}

const MAX_COMPLAINTS = 8;

/** The muxers' word for frames out of order. Which frames these are, the caller sees and says better. */
const OUT_OF_ORDER = /non[- ]monoton/i;

/**
 * Two outputs of one decoding: what is looked at of each frame, raw, and its time stamp and full size as lines of
 * framecrc. wrapped_avframe carries no pixels, so the second output costs next to nothing. It is flushed at
 * each line, or the two pipes would wait for one another.
 */
const ffmpegArguments = (
  build: FfmpegCapabilities,
  input: DecoderInput,
  look: Pick<Look<unknown>, 'before' | 'filter'> | null,
): string[] => {
  const passthrough = build.hasFpsMode ? ['-fps_mode', 'passthrough'] : ['-vsync', '0'];
  const everyFrame = [...passthrough, '-enc_time_base', '1:90000'];
  const source =
    input.as === 'playlist'
      ? ['-allowed_extensions', 'ALL', '-i', input.path]
      : ['-f', 'mpegts', '-i', 'pipe:0'];
  const timed = ['-c:v', 'wrapped_avframe', '-flush_packets', '1', '-f', 'framecrc'];
  return [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-copyts', '-threads', '1'],
    ...['-probesize', '500k', '-analyzeduration', '500k', ...source],
    ...(look
      ? [
          ...[
            '-filter_complex',
            `[0:v:0]${look.before ?? ''}split[shown][timed];[shown]${look.filter}[seen]`,
          ],
          ...['-map', '[seen]', ...everyFrame, '-f', 'rawvideo', 'pipe:1', '-map', '[timed]'],
        ]
      : ['-map', '0:v:0']),
    ...[...everyFrame, ...timed, 'pipe:3'],
  ];
};

/** Lines of framecrc: `#dimensions 0: 320x180`, then `stream, dts, pts, duration, size, crc`. */
class FrameTimes {
  widthPx = 0;
  heightPx = 0;
  readonly ptsTicks: number[] = [];
  private rest = '';

  push(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const size = /^#dimensions 0: (\d+)x(\d+)/.exec(line);
      if (size) [this.widthPx, this.heightPx] = [Number(size[1]), Number(size[2])];
      else if (!line.startsWith('#')) this.ptsTicks.push(Number(line.split(',')[2]));
    }
  }
}

/** Cuts a byte stream into pictures of equal size. Bytes that come before the size is known are kept. */
class PictureCutter {
  private picture: Buffer | null = null;
  private filled = 0;
  private waiting: Buffer[] = [];

  constructor(
    private readonly times: FrameTimes,
    private readonly bytesOf: (widthPx: number, heightPx: number) => number,
    private readonly onPicture: (picture: Buffer) => void,
  ) {}

  push(chunk: Buffer): void {
    this.waiting.push(chunk);
    this.flush();
  }

  /** Cuts what has come; to be called once more at the end. */
  flush(): void {
    const { widthPx, heightPx } = this.times;
    if (widthPx === 0) return;
    this.picture ??= Buffer.alloc(this.bytesOf(widthPx, heightPx));
    for (const chunk of this.waiting) this.cut(chunk, this.picture);
    this.waiting = [];
  }

  private cut(chunk: Buffer, picture: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const copied = chunk.copy(picture, this.filled, at);
      at += copied;
      this.filled += copied;
      if (this.filled === picture.length) {
        this.filled = 0;
        this.onPicture(picture);
      }
    }
  }
}

/**
 * Decodes with one build and reads every frame, in the order in which the decoder gives them. Of the pictures
 * one at a time is in memory.
 */
export const decodeFrames = async <Reading>(
  build: FfmpegCapabilities,
  input: DecoderInput,
  deadlineMs: number,
  look: Look<Reading> | null,
): Promise<Decoding<Reading>> => {
  const times = new FrameTimes();
  const readings: Reading[] = [];
  const cutter =
    look &&
    new PictureCutter(times, look.bytesOf, (luma) => {
      readings.push(look.read(luma, times.widthPx, times.heightPx));
    });
  const complaints = await runDecoder({
    path: build.path,
    args: ffmpegArguments(build, input, look),
    segmentPaths: input.as === 'concatenation' ? input.segmentPaths : null,
    deadlineMs,
    mostComplaints: MAX_COMPLAINTS,
    ignored: OUT_OF_ORDER,
    onOutput: (chunk) => cutter?.push(chunk),
    onText: (text) => times.push(text),
  });
  cutter?.flush();
  if (look && readings.length !== times.ptsTicks.length) {
    complaints.push(`gave ${readings.length} pictures but ${times.ptsTicks.length} time stamps`);
  }
  const frames = times.ptsTicks.map((ptsTicks, i) => ({ ptsTicks, reading: readings[i] ?? null }));
  return { frames, complaints };
};
