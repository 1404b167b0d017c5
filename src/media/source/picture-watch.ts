import type { Logger } from '../../platform/logger';
import { FfmpegProcess } from './ffmpeg-process';
import type { HeldInput } from './held-input';

/** Seconds after which a picture that is black or does not move, or silence, is a fault; absent: it is not looked for. */
export interface WatchLimits {
  blackSeconds?: number | undefined;
  frozenSeconds?: number | undefined;
  silentSeconds?: number | undefined;
}

const LOOKS_PER_SECOND = 5;
const WIDTH_PX = 160;
const HEIGHT_PX = 90;
const PICTURE_BYTES = WIDTH_PX * HEIGHT_PX;
const SAMPLES_PER_SECOND = 8_000;
/** A picture is black of which so much is not brighter than black with noise. */
const BLACK_LUMA = 32;
const BLACK_SHARE = 0.98;
/** Two pictures are the same that differ by no more than what coding does to a still one. */
const STILL_MOST_LUMA = 10;
const STILL_MEAN_LUMA = 0.5;
/** -60 dB of 16 bits. */
const SILENT_SAMPLE = 33;
const SOUND_DESCRIPTOR = 3;

const argumentsFor = (withSound: boolean): string[] => [
  ...['-hide_banner', '-nostats', '-nostdin', '-v', 'error', '-threads', '1'],
  ...['-protocol_whitelist', 'pipe', '-analyzeduration', '1000000', '-f', 'mpegts', '-i', 'pipe:0'],
  ...['-map', '0:v:0', '-vf', `fps=${LOOKS_PER_SECOND},scale=${WIDTH_PX}:${HEIGHT_PX},format=gray`],
  ...['-f', 'rawvideo', '-flush_packets', '1', 'pipe:1'],
  ...(withSound
    ? [
        ...['-map', '0:a:0', '-ac', '1', '-ar', `${SAMPLES_PER_SECOND}`],
        ...['-f', 's16le', '-flush_packets', '1', `pipe:${SOUND_DESCRIPTOR}`],
      ]
    : []),
];

export const isBlack = (picture: Buffer): boolean => {
  let dark = 0;
  for (const luma of picture) if (luma <= BLACK_LUMA) dark += 1;
  return dark >= picture.length * BLACK_SHARE;
};

export const isSamePicture = (a: Buffer, b: Buffer): boolean => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (difference > STILL_MOST_LUMA) return false;
    sum += difference;
  }
  return sum <= a.length * STILL_MEAN_LUMA;
};

/** Seconds without a stop, of media. */
class Spell {
  seconds = 0;

  note(goesOn: boolean, seconds: number): void {
    this.seconds = goesOn ? this.seconds + seconds : 0;
  }
}

/** Decodes an input on the side, a few small pictures a second, and says what is wrong with what it shows. */
export class PictureWatch {
  static isWanted({ blackSeconds, frozenSeconds, silentSeconds }: WatchLimits): boolean {
    return [blackSeconds, frozenSeconds, silentSeconds].some((limit) => limit !== undefined);
  }

  private readonly ffmpeg: FfmpegProcess;
  private readonly black = new Spell();
  private readonly frozen = new Spell();
  private readonly silent = new Spell();
  private readonly stopping = new AbortController();
  private over = false;
  private rest = Buffer.alloc(0);
  private last: Buffer | null = null;

  constructor(
    held: HeldInput,
    ffmpegPath: string,
    private readonly limits: WatchLimits,
    log: Logger,
  ) {
    const withSound = limits.silentSeconds !== undefined && held.hasSound;
    this.ffmpeg = new FfmpegProcess(ffmpegPath, argumentsFor(withSound), {
      input: true,
      extraOutputs: withSound ? 1 : 0,
    });
    const [pictures, sound] = this.ffmpeg.outputs;
    pictures!.on('data', (chunk: Buffer) => this.takePictures(chunk));
    sound?.on('data', (chunk: Buffer) => this.takeSound(chunk));
    const newest = held.keyframes.at(-1)?.group ?? 0;
    held.sendFrom(this.ffmpeg.input!, newest, this.stopping.signal).catch(() => void this.end());
    void this.ffmpeg.exited.then(() => {
      this.over = true;
      this.stopping.abort();
      if (this.ffmpeg.lastWords) log.debug({ said: this.ffmpeg.lastWords }, 'an input is looked at no more');
    });
  }

  /** Its ffmpeg has ended: another one has to look. */
  get isOver(): boolean {
    return this.over;
  }

  /** A sentence; null while nothing is wrong. */
  get fault(): string | null {
    const { blackSeconds, frozenSeconds, silentSeconds } = this.limits;
    const tooLong = ({ seconds }: Spell, limit = Infinity): boolean => seconds >= limit;
    const for_ = ({ seconds }: Spell): string => `for ${Math.round(seconds)} s`;
    if (tooLong(this.black, blackSeconds)) return `Its picture has been black ${for_(this.black)}.`;
    if (tooLong(this.frozen, frozenSeconds)) return `Its picture has not moved ${for_(this.frozen)}.`;
    if (tooLong(this.silent, silentSeconds)) return `It has been silent ${for_(this.silent)}.`;
    return null;
  }

  async end(): Promise<void> {
    this.stopping.abort();
    await this.ffmpeg.end();
  }

  private takePictures(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= PICTURE_BYTES) {
      const picture = this.rest.subarray(0, PICTURE_BYTES);
      this.rest = this.rest.subarray(PICTURE_BYTES);
      this.black.note(isBlack(picture), 1 / LOOKS_PER_SECOND);
      this.frozen.note(this.last !== null && isSamePicture(this.last, picture), 1 / LOOKS_PER_SECOND);
      this.last = Buffer.from(picture);
    }
  }

  private takeSound(chunk: Buffer): void {
    let isSilent = true;
    for (let at = 0; at + 1 < chunk.length; at += 2)
      if (Math.abs(chunk.readInt16LE(at)) > SILENT_SAMPLE) isSilent = false;
    this.silent.note(isSilent, chunk.length / 2 / SAMPLES_PER_SECOND);
  }
}
