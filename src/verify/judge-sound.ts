import { SOUND_RATE_HZ, type ProvedStretch } from '../media/stamp';
import { MAX_PROBLEMS_PER_KIND } from './report';

/** What the sound of one speaker proved to be, and what should have been there. In samples of channel time. */
export interface HeardSound {
  stretches: readonly ProvedStretch[];
  /** How much was heard, proved or not. */
  samples: number;
  /** Where what was heard stands by its time stamps: sample `at` is at `place`; sorted by `at`, the first one at 0. */
  timeline: readonly { at: number; place: number }[];
  /** Had to be there: from `from` (included) to `until`. */
  due: { from: number; until: number };
}

export interface SoundJudgement {
  checked: number;
  /** Left out: nothing was heard in their place. */
  lost: number;
  /** Heard again, or more was heard than there was time for. */
  repeated: number;
  /** Heard, but not proved to be the channel's: silence, other sound, or what a cut has spoilt. */
  invalid: number;
  /** Least and largest distance of the sound's time from the one that its stamp says, in ms; null: nothing was proved. */
  offsetMs: { least: number; most: number } | null;
  problems: string[];
}

const MS_PER_SAMPLE = 1_000 / SOUND_RATE_HZ;

/** Says where something is, first places only. */
class Places {
  readonly problems: string[] = [];
  private count = 0;

  constructor(private readonly what: string) {}

  add(samples: number, position: number): void {
    this.count += 1;
    if (this.count > MAX_PROBLEMS_PER_KIND) return;
    const seconds = (position / SOUND_RATE_HZ).toFixed(3);
    this.problems.push(`sound: ${samples} samples ${this.what} at ${seconds} s (sample ${position})`);
  }

  get words(): string[] {
    const more = this.count - this.problems.length;
    return more > 0 ? [...this.problems, `sound ${this.what}: ${more} more places`] : this.problems;
  }
}

/**
 * Compares what was heard with the channel's clock: each sample once, in order, and nothing else. Where a frame of AAC is
 * left out, its samples are lost, and those of the next one are spoilt by the cut: invalid. Pure.
 */
export const judgeSound = ({ stretches, samples, timeline, due }: HeardSound): SoundJudgement => {
  const judgement = { checked: Math.max(0, due.until - due.from), lost: 0, repeated: 0, invalid: 0 };
  const places = {
    lost: new Places('missing'),
    repeated: new Places('heard again'),
    invalid: new Places('without a stamp of the channel'),
  };
  const note = (what: keyof typeof places, count: number, position: number): void => {
    if (count <= 0) return;
    judgement[what] += count;
    places[what].add(count, position);
  };
  /** Between two stretches, or before the first: `missing` positions, in whose place so many samples were heard. */
  const noteHole = (missing: number, heard: number, position: number): void => {
    note('invalid', Math.max(0, heard), position);
    note('lost', missing - heard, position);
    note('repeated', heard - missing, position);
  };
  const [first] = stretches;
  let next = due.from;
  let heardUntil = 0;
  for (const stretch of stretches) {
    const { at, position } = stretch;
    const end = position + stretch.samples;
    if (stretch === first) {
      // The decoder begins in the midst of the sound: what it heard before the due is nobody's.
      const missing = Math.max(0, position - due.from);
      noteHole(missing, Math.min(missing, at), due.from);
      next = position;
    } else if (position >= next) noteHole(position - next, at - heardUntil, next);
    else {
      note('invalid', at - heardUntil, next);
      note('repeated', Math.min(end, next) - position, position);
    }
    next = Math.max(next, end);
    heardUntil = at + stretch.samples;
  }
  const left = Math.max(0, due.until - next);
  noteHole(left, Math.min(left, samples - heardUntil), next);
  const offsetMs = offsetOf(stretches, timeline);
  const moved =
    offsetMs && Math.max(-offsetMs.least, offsetMs.most) >= 1
      ? [
          `sound: ${offsetMs.least.toFixed(1)} to ${offsetMs.most.toFixed(1)} ms later than its picture, by their stamps`,
        ]
      : [];
  return {
    ...judgement,
    offsetMs,
    problems: [...places.lost.words, ...places.repeated.words, ...places.invalid.words, ...moved],
  };
};

const offsetOf = (
  stretches: readonly ProvedStretch[],
  timeline: HeardSound['timeline'],
): SoundJudgement['offsetMs'] => {
  let [least, most] = [Infinity, -Infinity];
  for (const { at, position, samples } of stretches) {
    timeline.forEach((piece, i) => {
      const end = timeline[i + 1]?.at ?? Infinity;
      if (piece.at >= at + samples || end <= at) return;
      const offset = (piece.place - piece.at - (position - at)) * MS_PER_SAMPLE;
      least = Math.min(least, offset);
      most = Math.max(most, offset);
    });
  }
  return least > most ? null : { least, most };
};
