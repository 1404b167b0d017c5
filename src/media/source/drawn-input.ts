import {
  GENERATED_HEIGHT_PX,
  GENERATED_WIDTH_PX,
  framesPerSecondOf,
  gopStartTicks,
  speakersOf,
  ticksToSeconds,
  type ChannelInput,
} from '../../domain';
import { BLOCK_SAMPLES, GeneratedPicture, GeneratedSound, SOUND_RATE_HZ } from '../stamp';
import { FfmpegProcess } from './ffmpeg-process';
import { paceFrames } from './frame-pacer';
import { framesPerGop, generatedArguments } from './input-arguments';
import type { SourceChannelSpec } from './kept-channel';

/** A picture that is drawn: the output of its ffmpeg is the contribution. */
export interface DrawnInput {
  kind: 'drawn';
  ffmpeg: FfmpegProcess;
  /** Rejects if drawing failed for a reason of our own. */
  failure: Promise<never>;
}

export interface DrawnInputOptions {
  spec: SourceChannelSpec;
  input: Extract<ChannelInput, { kind: 'generated' }>;
  ffmpeg: string;
  stampKey: Buffer;
  /** The GOP with whose first picture it begins. */
  nextGop: number;
  signal: AbortSignal;
  onFrames: (count: number) => void;
}

/** Sound is given so much earlier than its picture, as its encoder holds some of it back, and the muxer waits for it. */
const SOUND_AHEAD_BLOCKS = 6;
/** Blocks before the first picture, from which the encoder of the sound learns how it goes on. The relay drops them. */
const SOUND_RUN_UP_BLOCKS = 4;

/**
 * The sound of a drawn picture. Its blocks begin at multiples of 1,024 samples of channel time, whenever it starts, so
 * that two contributions cut it into the same frames.
 */
class DrawnSound {
  private readonly sound: GeneratedSound;
  private readonly startSample: number;
  private nextBlock: number;

  constructor(
    { stampKey, spec }: DrawnInputOptions,
    readonly speakers: number,
    startSeconds: number,
  ) {
    this.sound = new GeneratedSound({ key: stampKey, channelId: spec.id, speakers });
    this.startSample = Math.round(startSeconds * SOUND_RATE_HZ);
    this.nextBlock = Math.max(0, Math.ceil(this.startSample / BLOCK_SAMPLES) - SOUND_RUN_UP_BLOCKS);
  }

  /** By how much its first sample is later than the first picture. */
  get delaySeconds(): number {
    return (this.nextBlock * BLOCK_SAMPLES - this.startSample) / SOUND_RATE_HZ;
  }

  /** What is due when so much of the picture was given. */
  drawUntil(pictureSeconds: number): Buffer {
    const samples = this.startSample + pictureSeconds * SOUND_RATE_HZ;
    const blocks: Buffer[] = [];
    while (this.nextBlock < samples / BLOCK_SAMPLES + SOUND_AHEAD_BLOCKS)
      blocks.push(this.sound.draw(this.nextBlock++));
    return Buffer.concat(blocks);
  }
}

/** Pictures and sound drawn at wall-clock pace; the counter of the first picture is that of the GOP's first one. */
export const drawnInput = (options: DrawnInputOptions): DrawnInput => {
  const { spec, input, stampKey, nextGop, signal, onFrames } = options;
  const { widthPx = GENERATED_WIDTH_PX, heightPx = GENERATED_HEIGHT_PX } = input;
  const startSeconds = ticksToSeconds(gopStartTicks(nextGop, spec.gopDurationTicks));
  const sound = input.sound ? new DrawnSound(options, speakersOf(input.sound), startSeconds) : null;
  const picture = new GeneratedPicture({ widthPx, heightPx, key: stampKey, channelId: spec.id });
  const ffmpeg = new FfmpegProcess(options.ffmpeg, generatedArguments(spec, { widthPx, heightPx }, sound), {
    input: true,
    secondInput: sound !== null,
  });
  const firstFrame = nextGop * framesPerGop(spec);
  const framesPerSecond = framesPerSecondOf(spec.framesPerSecond);
  const failure = new Promise<never>((_resolve, reject) => {
    paceFrames(framesPerSecond, signal, async (frame) => {
      if (sound) ffmpeg.secondInput?.write(sound.drawUntil((frame + 1) / framesPerSecond));
      // The picture's buffer is drawn over next time, so the pipe must have taken it. Where it never does,
      // ffmpeg has ended, and its exit tells why.
      await new Promise<void>((resolve) => {
        ffmpeg.input?.write(picture.draw(firstFrame + frame), (error) => !error && resolve());
      });
      onFrames(1);
    }).catch(reject);
  });
  return { kind: 'drawn', ffmpeg, failure };
};
