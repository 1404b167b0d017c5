/** Which of a channel's inputs goes on air. Pure: what is seen of each goes in, a name and why comes out. */

export interface LegState {
  name: string;
  isSlate: boolean;
  isSound: boolean;
  /** For how long it has been sound without a stop, from a keyframe on; 0 if it is not. */
  soundForMs: number;
  /** Of one that is not sound: a sentence. */
  whyAway: string;
}

export interface ChoiceRules {
  /** null: never by itself. */
  backAfterMs: number | null;
  /** What goes on air without need has been sound for so long at least: it has all of the GOP with which it begins. */
  leastSoundMs: number;
}

export interface Choice {
  name: string;
  /** A sentence. */
  cause: string;
  /** The one on air is sound: there is time until the other one can go on without a picture missing. */
  canWait?: boolean;
}

/** An input that is opened for the first time gets so long before another one goes on air in its place. */
const FIRST_PATIENCE_MS = 5_000;
/**
 * @param legs in the order of preference, a slate last
 * @param active on air now; null: none was yet
 * @param wanted by an operator; null: nobody asked
 * @param waitedMs since the channel was taken on
 * @returns another input than the active one; null: it stays as it is
 */
export const chooseLeg = (
  legs: readonly LegState[],
  { active, wanted, waitedMs }: { active: string | null; wanted: string | null; waitedMs: number },
  { backAfterMs, leastSoundMs }: ChoiceRules,
): Choice | null => {
  const current = legs.find(({ name }) => name === active);
  const asked = legs.find(({ name }) => name === wanted);
  if (asked?.isSound) return asked.name === active ? null : { name: asked.name, cause: 'It was asked for.' };
  if (!current) return firstOf(legs, waitedMs);
  if (!current.isSound) {
    const other = legs.find(({ name, isSound }) => isSound && name !== active);
    return other ? { name: other.name, cause: current.whyAway } : null;
  }
  // A slate gives way as soon as an input is there.
  const wantedMs = current.isSlate ? 0 : backAfterMs;
  if (wantedMs === null) return null;
  const afterMs = Math.max(wantedMs, leastSoundMs);
  const better = legs
    .slice(0, legs.indexOf(current))
    .find(({ isSound, soundForMs }) => isSound && soundForMs >= afterMs);
  return better
    ? {
        name: better.name,
        cause: `It has been sound for ${Math.round(better.soundForMs / 1_000)} s.`,
        canWait: !current.isSlate,
      }
    : null;
};

const firstOf = (legs: readonly LegState[], waitedMs: number): Choice | null => {
  const [first, ...others] = legs;
  if (first?.isSound) return { name: first.name, cause: 'It is the first.' };
  if (waitedMs < FIRST_PATIENCE_MS) return null;
  const other = others.find(({ isSound }) => isSound);
  return other ? { name: other.name, cause: first?.whyAway ?? '' } : null;
};
