import { createReadStream } from 'node:fs';
import { TICKS_PER_SECOND, ticksToSeconds } from '../domain';
import type { FfmpegCapabilities } from '../media/encoder/ffmpeg-capabilities';
import { BLOCK_SAMPLES, SOUND_RATE_HZ, SoundStampReader, stampedSpeakers } from '../media/stamp';
import { gopStart, type FrameClock } from './frame-clock';
import { judgeSound, type HeardSound, type SoundJudgement } from './judge-sound';
import type { Limit } from './limit';
import type { SoundFigures } from './report';
import { runDecoder } from './run-decoder';
import { FactsReader, SOUND_AHEAD_TICKS, type SoundFact } from './stream-facts';
import { cutWhere, decodeDeadlineMs, type FetchedSegment } from './views';

/** A decoder's first frame lacks the half of the one before, and a block may lie across it. */
const SPOILT_SAMPLES = 2 * BLOCK_SAMPLES;
const MAX_COMPLAINTS = 4;
const BYTES_PER_SAMPLE = 4;

export interface SoundExpectation {
  key: Buffer;
  channelId: string;
  /** How many speakers it has; null: nobody said, and what is there has to be genuine. */
  speakers: number | null;
}

const sampleAt = (ticks: number): number => Math.round(ticksToSeconds(ticks) * SOUND_RATE_HZ);

/** Samples that had to be heard of GOPs that begin and end so, in ticks of channel time. */
export const dueSound = (startTicks: number, endTicks: number): HeardSound['due'] => ({
  from: sampleAt(startTicks) + SPOILT_SAMPLES,
  until: sampleAt(endTicks - SOUND_AHEAD_TICKS),
});

/**
 * The sound of a stamped channel, as one build of ffmpeg decodes it: each sample of each speaker is there once, in order,
 * and at its time. Null where there is none, and nobody said that there is.
 */
export const soundView = async (
  segments: readonly FetchedSegment[],
  clock: FrameClock,
  expected: SoundExpectation,
  how: { build: FfmpegCapabilities; limit: Limit },
): Promise<SoundFigures | null> => {
  const sound = segments.filter(({ malformed }) => malformed === undefined);
  const judgements: SoundJudgement[] = [];
  for (const stretch of cutWhere(sound, (next, before) => next.gop !== before.gop + 1))
    judgements.push(...(await judgeStretch(stretch, clock, expected, how)));
  return judgements.length === 0 ? null : addUp(judgements);
};

/** One judgement for each track. */
const judgeStretch = async (
  stretch: readonly FetchedSegment[],
  clock: FrameClock,
  expected: SoundExpectation,
  how: { build: FfmpegCapabilities; limit: Limit },
): Promise<SoundJudgement[]> => {
  const units: SoundFact[] = [];
  for (const { path, gop } of stretch) {
    const reader = new FactsReader(gopStart(gop, clock));
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) reader.push(chunk);
    units.push(...reader.end().sound);
  }
  const due = dueSound(gopStart(stretch[0]!.gop, clock), gopStart(stretch.at(-1)!.gop + 1, clock));
  const tracks = [...new Set(units.map(({ track }) => track))].sort((a, b) => a - b);
  if (tracks.length === 0)
    return expected.speakers === null
      ? []
      : [judgeSound({ stretches: [], samples: 0, timeline: [{ at: 0, place: due.from }], due })];
  const paths = stretch.map(({ path }) => path);
  return Promise.all(
    tracks.map((track, index) => {
      const own = units.filter((unit) => unit.track === track);
      return how.limit(() => judgeStampedSound({ paths, index, units: own, due, ...expected }, how.build));
    }),
  );
};

export interface StampedTrack extends SoundExpectation {
  /** Segments, in order. */
  paths: readonly string[];
  /** Place among the tracks of sound. */
  index: number;
  /** What the container says of it, in order; at least one. */
  units: readonly SoundFact[];
  due: HeardSound['due'];
}

/** One track of sound, as a build of ffmpeg decodes it. */
export const judgeStampedSound = async (
  { paths, index, units, due, key, channelId, speakers }: StampedTrack,
  build: FfmpegCapabilities,
): Promise<SoundJudgement> => {
  const { samples, timeline } = timelineOf(units);
  const format = units[0]!.format;
  const channels = format?.channels ?? 0;
  const wrong =
    format?.sampleRateHz !== SOUND_RATE_HZ || channels === 0
      ? 'sound: not AAC of 48 kHz, as the channel has'
      : speakers !== null && channels !== speakers
        ? `sound: ${channels} speakers, the channel has ${speakers}`
        : null;
  if (wrong !== null) {
    const judgement = judgeSound({ stretches: [], samples, timeline, due });
    return { ...judgement, problems: [wrong, ...judgement.problems] };
  }
  const bySpeaker = new Map(
    stampedSpeakers(channels).map((speaker) => [speaker, new SoundStampReader({ key, channelId, speaker })]),
  );
  const readers = [...bySpeaker.values()];
  const complaints = await decodeSound(build, paths, { index, channels }, (speaker, part) =>
    bySpeaker.get(speaker)?.push(part),
  );
  for (const reader of readers) reader.end();
  if (readers[0]!.samples !== samples)
    complaints.push(`gave ${readers[0]!.samples} samples of the ${samples} that the container has`);
  const judged = readers.map((reader) =>
    judgeSound({ stretches: reader.stretches, samples: reader.samples, timeline, due }),
  );
  return worstOf(
    judged,
    complaints.map((line) => `sound, decoder: ${line}`),
  );
};

/** Times of the units, joined where one follows the other. */
const timelineOf = (units: readonly SoundFact[]): Pick<HeardSound, 'samples' | 'timeline'> => {
  const timeline: { at: number; place: number }[] = [];
  let samples = 0;
  for (const unit of units) {
    const place = (unit.ptsTicks * SOUND_RATE_HZ) / TICKS_PER_SECOND;
    const last = timeline.at(-1);
    if (!last || Math.abs(place - samples - (last.place - last.at)) > 1)
      timeline.push({ at: samples, place });
    samples += unit.samples ?? 0;
  }
  return { samples, timeline };
};

/** Of all speakers: each count is that of the worst. */
const worstOf = (judged: readonly SoundJudgement[], complaints: readonly string[]): SoundJudgement => {
  const most = (count: (j: SoundJudgement) => number): number => Math.max(...judged.map(count));
  const offsets = judged.flatMap(({ offsetMs }) => offsetMs ?? []);
  return {
    checked: judged[0]!.checked,
    lost: most(({ lost }) => lost),
    repeated: most(({ repeated }) => repeated),
    invalid: most(({ invalid }) => invalid),
    offsetMs: spread(offsets),
    problems: [...new Set([...complaints, ...judged.flatMap(({ problems }) => problems)])],
  };
};

const spread = (offsets: readonly { least: number; most: number }[]): SoundJudgement['offsetMs'] =>
  offsets.length === 0
    ? null
    : {
        least: Math.min(...offsets.map(({ least }) => least)),
        most: Math.max(...offsets.map(({ most }) => most)),
      };

const addUp = (judgements: readonly SoundJudgement[]): SoundFigures => {
  const sum = (count: (j: SoundJudgement) => number): number =>
    judgements.reduce((total, judgement) => total + count(judgement), 0);
  const offset = spread(judgements.flatMap(({ offsetMs }) => offsetMs ?? []));
  return {
    samplesChecked: sum(({ checked }) => checked),
    samplesLost: sum(({ lost }) => lost),
    samplesRepeated: sum(({ repeated }) => repeated),
    samplesInvalid: sum(({ invalid }) => invalid),
    avOffsetChangeMs: offset ? offset.most - offset.least : null,
    problems: judgements.flatMap(({ problems }) => problems),
  };
};

/** Decodes one track. @returns what the decoder complained of, first lines only */
const decodeSound = async (
  build: FfmpegCapabilities,
  paths: readonly string[],
  track: { index: number; channels: number },
  onSound: (speaker: number, sound: Float32Array) => void,
): Promise<string[]> => {
  const args = [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-threads', '1', '-f', 'mpegts', '-i', 'pipe:0'],
    ...['-map', `0:a:${track.index}`, '-c:a', 'pcm_f32le', '-f', 'f32le', 'pipe:1'],
  ];
  let rest: Buffer = Buffer.alloc(0);
  const frameBytes = BYTES_PER_SAMPLE * track.channels;
  const onOutput = (chunk: Buffer): void => {
    const all = Buffer.concat([rest, chunk]);
    const frames = Math.floor(all.length / frameBytes);
    for (let speaker = 0; speaker < track.channels; speaker++)
      onSound(
        speaker,
        Float32Array.from({ length: frames }, (_, i) =>
          all.readFloatLE(i * frameBytes + speaker * BYTES_PER_SAMPLE),
        ),
      );
    rest = all.subarray(frames * frameBytes);
  };
  return runDecoder({
    ...{ path: build.path, args, segmentPaths: paths, onOutput },
    ...{ deadlineMs: decodeDeadlineMs(paths.length), mostComplaints: MAX_COMPLAINTS },
  });
};
