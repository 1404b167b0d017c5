import { bufferKbitOf, gopOf, gopStartTicks, type ChannelSpec } from '../../src/domain';
import { percentile } from '../../src/domain/statistics';
import {
  SOUND_AHEAD_TICKS,
  compareSound,
  type PictureFact,
  type SoundFact,
  type StreamFacts,
} from '../../src/verify';
import { rounded } from '../lib/statistics';
import { bufferViolations, comparePictures } from './compare';
import type { Likeness } from './likeness';
import type { Recording } from './recording';
import type { Move } from './seam-run';

/** GOPs from a seam on in which it is looked for. */
const SEAM_GOPS = 2;
/** A picture this much less like the original than the undisturbed one shows something else. */
const FOREIGN_SSIM = 0.2;

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pictures and sound of a rendition against what was sent, up to the end of its last GOP. */
export const continuityFigures = (sent: StreamFacts, recording: Recording, spec: ChannelSpec) => {
  const figures = {
    ...{ framesChecked: 0, framesLost: 0, framesRepeated: 0 },
    ...{ audioSamplesChecked: 0, audioSamplesLost: 0, audioSamplesRepeated: 0, avOffsetChangeMs: 0 },
    ...{ captionsChecked: 0, captionsLost: 0 },
  };
  const gops = (recording.entries.at(-1)?.gop ?? -1) + 1;
  const isIn = ({ ptsTicks }: { ptsTicks: number }): boolean => gopOf(ptsTicks, spec.gopDurationTicks) < gops;
  const pictures = sent.pictures.filter(isIn);
  const soundUntil = gopStartTicks(gops, spec.gopDurationTicks) - SOUND_AHEAD_TICKS;
  for (const { name } of spec.ladder) {
    const all = recording.facts.get(name) ?? [];
    const found: PictureFact[] = all.flatMap((facts) => facts.pictures);
    const difference = comparePictures(
      pictures.map(({ ptsTicks }) => ptsTicks),
      found.map(({ ptsTicks }) => ptsTicks),
    );
    figures.framesChecked += difference.checked;
    figures.framesLost += difference.lost;
    figures.framesRepeated += difference.repeated;
    const captioned = pictures.filter(({ hasCaptions }) => hasCaptions).length;
    figures.captionsChecked += captioned;
    figures.captionsLost += captioned - found.filter(({ hasCaptions }) => hasCaptions).length;
    const tracks = new Set(sent.sound.map(({ track }) => track));
    const ofTrack = (units: SoundFact[], track: number): SoundFact[] =>
      units.filter((unit) => unit.track === track);
    const heard = all.flatMap((facts) => facts.sound);
    for (const track of tracks) {
      const sound = compareSound(ofTrack(sent.sound, track), ofTrack(heard, track), soundUntil);
      figures.audioSamplesChecked += sound.checked;
      figures.audioSamplesLost += sound.lost;
      figures.audioSamplesRepeated += sound.repeated;
      figures.avOffsetChangeMs = Math.max(figures.avOffsetChangeMs, sound.offsetChangeMs);
    }
  }
  return figures;
};

/** VBV of every rendition, across all seams. */
export const violationsOf = (recording: Recording, spec: ChannelSpec): number =>
  spec.ladder.reduce((sum, rendition) => {
    const pictures = (recording.facts.get(rendition.name) ?? []).flatMap((facts) => facts.pictures);
    const limits = {
      bitsPerSecond: rendition.maxBitrateKbps * 1_000,
      bufferBits: bufferKbitOf(rendition) * 1_000,
    };
    return sum + bufferViolations(pictures, limits);
  }, 0);

/** How much less like the original the GOPs after a seam are than the same GOPs without one. */
export const seamFigures = (options: {
  moved: Likeness;
  steady: Likeness;
  /** GOP of each picture, as they are shown. */
  gops: readonly number[];
  moves: readonly Move[];
}) => {
  const { moved, steady, gops, moves } = options;
  const atSeam = (gop: number): boolean =>
    moves.some(({ firstGop }) => gop >= firstGop && gop < firstGop + SEAM_GOPS);
  const drops = (a: readonly number[], b: readonly number[]): number[] =>
    a.map((value, i) => value - b[i]!).filter((_, i) => atSeam(gops[i]!));
  const foreign = steady.ssim.filter((ssim, i) => ssim - (moved.ssim[i] ?? 0) > FOREIGN_SSIM);
  return {
    framesCompared: Math.min(moved.ssim.length, steady.ssim.length),
    framesForeign: foreign.length,
    seamSsimDrop: rounded(mean(drops(steady.ssim, moved.ssim)), 5),
    seamPsnrDropDb: rounded(mean(drops(steady.psnrDb, moved.psnrDb)), 3),
  };
};

/** From the sealing of a GOP at the relay to its publication. */
export const delayFigures = (recording: Recording, moves: readonly Move[]) => {
  const seams = new Set(moves.map(({ firstGop }) => firstGop));
  const delays = (isSeam: boolean): number[] =>
    recording.entries.flatMap(({ gop, delayMs }) =>
      delayMs !== null && seams.has(gop) === isSeam ? [delayMs] : [],
    );
  return {
    publishDelaySteadyMsP50: rounded(percentile(delays(false), 50), 0),
    publishDelaySteadyMsP99: rounded(percentile(delays(false), 99), 0),
    publishDelayAtSeamMsP50: rounded(percentile(delays(true), 50), 0),
  };
};
