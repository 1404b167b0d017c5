import { createInterface } from 'node:readline';
import { SwarmError, framesPerSecondOf, rateInWords, wholeFramesNear } from '../../domain';
import type { Logger } from '../../platform/logger';
import { GeneratedPicture } from '../stamp';
import { FfmpegProcess } from './ffmpeg-process';
import { paceFrames } from './frame-pacer';
import { planInput } from './input-plan';
import type { SourceChannelSpec } from './kept-channel';
import { framesPerGop, generatedArguments, inputArguments } from './mezzanine';
import { probeInput, type ProbedInput } from './probe';

const GENERATED_WIDTH_PX = 320;
const GENERATED_HEIGHT_PX = 180;

/** An ffmpeg whose output is the contribution. */
export interface RunningInput {
  ffmpeg: FfmpegProcess;
  /** Rejects if feeding it failed for a reason of our own. */
  failure: Promise<never>;
}

export interface InputTools {
  ffmpeg: string;
  ffprobe: string;
  stampKey: Buffer;
  log: Logger;
}

/** Starts a channel's input at the start of GOP `nextGop`, until the signal is aborted. */
export type StartInput = (
  nextGop: number,
  signal: AbortSignal,
  onFrames: (count: number) => void,
) => Promise<RunningInput>;

/** @throws SwarmError bad-request if a GOP of the channel can't hold whole pictures */
export const checkTiming = (spec: Omit<SourceChannelSpec, 'id'>): void => {
  const frames = framesPerGop(spec);
  const generated = spec.input.kind === 'generated';
  if (frames >= 1 && (!generated || Number.isInteger(frames))) return;
  const nearest = wholeFramesNear(spec.framesPerSecond, spec.gopDurationTicks);
  throw new SwarmError(
    'bad-request',
    `A GOP of ${spec.gopDurationTicks} ticks is ${Number(frames.toFixed(3))} pictures at ${rateInWords(spec.framesPerSecond)}.`,
    generated
      ? `Use a GOP duration that is a whole number of pictures${nearest === null ? '' : `, such as ${nearest} ticks`}.`
      : 'Use a GOP duration of a picture or more.',
  );
};

/** Pictures drawn at wall-clock pace; the counter of the first one is that of the GOP's first picture. */
const generated =
  (spec: SourceChannelSpec, tools: InputTools): StartInput =>
  async (nextGop, signal, onFrames) => {
    const widthPx = GENERATED_WIDTH_PX;
    const heightPx = GENERATED_HEIGHT_PX;
    const picture = new GeneratedPicture({ widthPx, heightPx, key: tools.stampKey, channelId: spec.id });
    const ffmpeg = new FfmpegProcess(tools.ffmpeg, generatedArguments(spec, widthPx, heightPx), {
      input: true,
    });
    const firstFrame = nextGop * framesPerGop(spec);
    const failure = new Promise<never>((_resolve, reject) => {
      paceFrames(framesPerSecondOf(spec.framesPerSecond), signal, async (frame) => {
        // The picture's buffer is drawn over next time, so the pipe must have taken it. Where it never does,
        // ffmpeg has ended, and its exit tells why.
        await new Promise<void>((resolve) => {
          ffmpeg.input?.write(picture.draw(firstFrame + frame), (error) => !error && resolve());
        });
        onFrames(1);
      }).catch(reject);
    });
    return { ffmpeg, failure };
  };

/** A file or live URL, brought to the channel's frame rate and to a size that is cheap to carry. */
const external = (
  spec: SourceChannelSpec,
  url: string,
  tools: InputTools,
  justProbed?: ProbedInput,
): StartInput => {
  let known = justProbed;
  return async (_nextGop, signal, onFrames) => {
    const plan = planInput(known ?? (await probeInput(tools.ffprobe, url, signal)));
    // What it is may have changed by the next time it is opened.
    known = undefined;
    const ffmpeg = new FfmpegProcess(tools.ffmpeg, inputArguments(spec, url, plan), { progress: true });
    let frames = 0;
    if (ffmpeg.progress)
      createInterface({ input: ffmpeg.progress }).on('line', (line) => {
        if (!line.startsWith('frame=')) return;
        const now = Number(line.slice('frame='.length));
        if (now > frames) onFrames(now - frames);
        frames = Math.max(frames, now);
      });
    return { ffmpeg, failure: new Promise<never>(() => undefined) };
  };
};

/** `justProbed`: what a URL input was found to be a moment ago, if it was looked at. */
export const startInputOf = (
  spec: SourceChannelSpec,
  tools: InputTools,
  justProbed?: ProbedInput,
): StartInput =>
  spec.input.kind === 'generated'
    ? generated(spec, tools)
    : external(spec, spec.input.url, tools, justProbed);
