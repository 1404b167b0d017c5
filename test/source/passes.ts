import { once } from 'node:events';
import { ticksOf, type InputChoice } from '../../src/domain';
import { TransportStreamReader, type PesUnit } from '../../src/media/mpegts';
import { gridOf } from '../../src/media/source/contribution-inputs';
import { FfmpegProcess } from '../../src/media/source/ffmpeg-process';
import { inputArguments } from '../../src/media/source/input-arguments';
import { planInput } from '../../src/media/source/input-plan';
import { probeInput } from '../../src/media/source/probe';
import { ProgrammeJoiner } from '../../src/media/source/programme-joiner';
import { steadyFrameRate } from '../../src/media/source/steady-frame-rate';

export interface JoinedPasses {
  video: PesUnit[];
  /** By PID. */
  audio: Map<number, PesUnit[]>;
  units: PesUnit[];
  /** Length of a picture in ticks. */
  frameTicks: number;
}

/** What the source makes of some passes of a file, in the order in which it would be sent, and at once. */
export const joinPasses = async (
  url: string,
  passes: number,
  choice?: InputChoice,
): Promise<JoinedPasses> => {
  const probed = await probeInput('ffprobe', url);
  const rate = steadyFrameRate(probed.streams.find((stream) => stream.kind === 'video')!)!;
  const spec = {
    input: { kind: 'url' as const, url },
    framesPerSecond: rate,
    gopDurationTicks: 90_000,
  };
  const plan = planInput(probed, rate, { choice });
  const { args, extraOutputs, sound } = inputArguments(spec, url, plan);
  const frameTicks = ticksOf(1, rate);
  const units: PesUnit[] = [];
  const joiner = new ProgrammeJoiner({
    ...{ frameTicks, finite: plan.finite, now: () => 0 },
    grid: plan.coarseClock ? gridOf(frameTicks, sound) : undefined,
    onUnit: (unit) => units.push(unit),
  });
  for (let i = 0; i < passes; i++) {
    const ffmpeg = new FfmpegProcess('ffmpeg', args, { extraOutputs });
    for (const output of ffmpeg.outputs) {
      const reader = new TransportStreamReader({ onUnit: (unit) => joiner.take(unit) });
      output.on('data', (chunk: Buffer) => reader.push(chunk));
      void once(output, 'end').then(() => reader.flush());
    }
    expect([await ffmpeg.exited, ffmpeg.lastWords]).toEqual([0, '']);
    joiner.endStretch();
  }
  const audio = new Map<number, PesUnit[]>();
  for (const unit of units)
    if (unit.kind === 'audio') audio.set(unit.pid, [...(audio.get(unit.pid) ?? []), unit]);
  return { video: units.filter((unit) => unit.kind === 'video'), audio, units, frameTicks };
};

/** Distances of neighbours, and how often each occurs. */
export const stepsOf = (ticks: readonly number[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (let i = 1; i < ticks.length; i++) {
    const step = ticks[i]! - ticks[i - 1]!;
    counts[step] = (counts[step] ?? 0) + 1;
  }
  return counts;
};
