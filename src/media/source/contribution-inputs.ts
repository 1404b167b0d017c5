import { SwarmError, rateInWords, ticksOf, wholeFramesNear } from '../../domain';
import { monotonicMs } from '../../platform/clock';
import type { Logger } from '../../platform/logger';
import { CarriedInput } from './carried-input';
import { drawnInput, type DrawnInput } from './drawn-input';
import { FfmpegProcess, type InputProcess } from './ffmpeg-process';
import { framesPerGop, inputArguments, type InputArguments } from './input-arguments';
import { planInput, type InputPlan, type InputWishes } from './input-plan';
import type { SourceChannelSpec } from './kept-channel';
import { listeningKindOf, type ListeningKind } from './listening';
import { probeInput, type ProbedInput } from './probe';
import { probeSender } from './probe-sender';
import type { FrameGrid } from './programme-joiner';
import type { Senders } from './senders';
import { TakenInput } from './taken-input';
import type { SoundTrack } from './track-watch';

/** A file or URL that was looked at. */
export interface FoundInput {
  kind: 'found';
  /** Opens it, from its beginning if it has one. */
  open(): InputProcess;
  finite: boolean;
  /** It comes in segments, each at once. */
  inSegments: boolean;
  /** Length of a picture; null if nobody knows. */
  frameTicks: number | null;
  grid: FrameGrid | undefined;
  /** The sound that is sent. */
  sound: SoundTrack[];
  /** PIDs of SCTE-35, which comes dressed (see splice-carrier.ts). */
  splicePids: ReadonlySet<number>;
  /** What comes has the times that the sender gave it, but for a fixed span. */
  keepsClock?: boolean;
  /** Sentences on what is encoded or left out. */
  notes: string[];
  /**
   * To be called where copied pictures come at a rate that varies: from its next opening on, they are filled up. Absent where
   * they are already.
   */
  onVaries?: () => void;
}

/** What was learnt of an input while it ran. */
export interface InputMemory {
  varies: boolean;
}

export interface InputTools {
  senders: Senders;
  ffmpeg: string;
  ffprobe: string;
  stampKey: Buffer;
  log: Logger;
}

/**
 * Starts a channel's input at the start of GOP `nextGop`, until the signal is aborted.
 * @param openedInVain the opening before brought nothing
 */
export type StartInput = (
  nextGop: number,
  signal: AbortSignal,
  onFrames: (count: number) => void,
  openedInVain?: boolean,
) => Promise<DrawnInput | FoundInput>;

/** How long an input is taken to be what a look at it has found, while it can't be opened. */
const FOUND_HOLDS_MS = 10_000;

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

/** What is wanted of its input. */
export const wishesOf = ({ input, deinterlace }: Omit<SourceChannelSpec, 'id'>): InputWishes => ({
  choice: input.kind === 'url' ? input.choice : undefined,
  deinterlace,
});

/** A file or live URL: what MPEG-TS carries as it came, the rest encoded once. */
const external = (
  spec: SourceChannelSpec,
  url: string,
  tools: InputTools,
  justProbed: ProbedInput | undefined,
  wantsClock: boolean,
  memory: InputMemory,
): StartInput => {
  let known = justProbed;
  let last = { probed: justProbed, atMs: monotonicMs() };
  return async (_nextGop, signal, _onFrames, openedInVain = false) => {
    // A sender that serves one connection gives it to the look, and may be away when it is opened: looked at anew, it would
    // be away again each time.
    if (openedInVain && monotonicMs() - last.atMs < FOUND_HOLDS_MS) known = last.probed;
    const probed = known ?? (await probeInput(tools.ffprobe, url, signal));
    if (known === undefined) last = { probed, atMs: monotonicMs() };
    // What it is may have changed by the next time it is opened.
    known = undefined;
    const plan = planInput(probed, spec.framesPerSecond, { ...wishesOf(spec), ...memory });
    const made = inputArguments(spec, url, plan, { wantsClock });
    const { args, extraOutputs } = made;
    return foundInput(plan, made, memory, () =>
      plan.hasSplices
        ? new CarriedInput(tools.ffmpeg, url, args, extraOutputs)
        : new FfmpegProcess(tools.ffmpeg, args, { extraOutputs }),
    );
  };
};

const foundInput = (
  { video, rate, finite, inSegments, coarseClock, notes }: InputPlan,
  { sound, splicePids, keepsClock }: InputArguments,
  memory: InputMemory,
  open: () => InputProcess,
): FoundInput => {
  const frameTicks = rate === null ? null : ticksOf(1, rate);
  const grid = coarseClock ? gridOf(frameTicks, sound) : undefined;
  const onVaries = (): void => {
    memory.varies = true;
  };
  return {
    kind: 'found',
    ...(video.carried === 'as-is' && { onVaries }),
    ...{ open, finite, inSegments, frameTicks, grid, sound, splicePids, keepsClock, notes },
  };
};

/** An input that waits for who sends it: what he sends from his first byte on, until he goes. */
const awaited =
  (
    spec: SourceChannelSpec,
    url: string,
    kind: ListeningKind,
    tools: InputTools,
    wantsClock: boolean,
    memory: InputMemory,
  ): StartInput =>
  async (_nextGop, signal) => {
    const { sender, probed: known } = await tools.senders.take(url, kind, signal);
    try {
      const probed = known ?? (await probeSender(tools.ffprobe, sender));
      const plan = planInput(probed, spec.framesPerSecond, { ...wishesOf(spec), ...memory });
      const made = inputArguments(spec, url, plan, { wantsClock, isPiped: true });
      const { extraOutputs } = made;
      const { hasSplices } = plan;
      return foundInput(
        plan,
        made,
        memory,
        () => new TakenInput(tools.ffmpeg, made.args, sender, { extraOutputs, hasSplices }),
      );
    } catch (error) {
      sender.close();
      throw error;
    }
  };

/** Where frames stand that a container gives in milliseconds. */
export const gridOf = (videoTicks: number | null, sound: readonly SoundTrack[]): FrameGrid => ({
  videoTicks,
  audioTicks: new Map(
    sound.flatMap(({ pid, frameTicks }) => (frameTicks === null ? [] : [[pid, frameTicks]])),
  ),
});

/**
 * @param justProbed what a URL input was found to be a moment ago, if it was looked at
 * @param wantsClock see inputArguments
 * @param memory what was learnt of it before
 */
export const startInputOf = (
  spec: SourceChannelSpec,
  tools: InputTools,
  justProbed?: ProbedInput,
  wantsClock = false,
  memory: InputMemory = { varies: false },
): StartInput => {
  const { input } = spec;
  if (input.kind === 'generated')
    return (nextGop, signal, onFrames) =>
      Promise.resolve(drawnInput({ ...tools, spec, input, nextGop, signal, onFrames }));
  const opened = external(spec, input.url, tools, justProbed, wantsClock, memory);
  return async (...given) => {
    const kind = await listeningKindOf(input.url);
    return (kind ? awaited(spec, input.url, kind, tools, wantsClock, memory) : opened)(...given);
  };
};
