import { keepsClass, pinBreachOf } from './constraints';
import { isResting } from './context';
import type { Intent, PlanDraft } from './draft';
import { overloadOf, type Cause } from './explain';
import { NOWHERE } from './placement-table';
import type { RearrangementProblem } from './rearrangement';
import { breachWhereItIs } from './repairs';

/** A few encoders and those of their channels that a search may move; all the rest stands. */
export interface Neighbourhood {
  encoders: number[];
  channels: number[];
  problem: RearrangementProblem;
  /** Why a channel leaves the encoder it is on. */
  causeOf(channel: number): Cause;
}

/** Ties between assignments of equally many moves go to the one that moves fewer units. */
const RELUCTANCE_OF_ALL = 0.5;

/**
 * Reads the draft's present loads into a problem of its own.
 *
 * @param encoders slots, in the order of their ids
 * @param fewestMoves lower bound of the moves that repair it
 * @param closed an encoder that is to be emptied
 */
export const neighbourhoodOf = (
  draft: PlanDraft,
  encoders: number[],
  fewestMoves: number,
  closed?: { encoder: number; cause: Cause },
): Neighbourhood => {
  const { context } = draft;
  const { table, policy } = context;
  const overloads = new Map(encoders.map((e) => [e, overloadOf(context, e)]));
  // A breach of its redundancy group is not counted here: it repairs itself when the mate goes.
  const mustLeave = (c: number, e: number): boolean =>
    table.isDraining[e] === 1 || closed?.encoder === e || pinBreachOf(table, e, c) !== null;
  const mayMove = (c: number, e: number): boolean => table.isDraining[e] === 1 || !isResting(context, c);
  const channels = encoders.flatMap((e) => draft.freeChannelsOn(e).filter((c) => mayMove(c, e)));
  const steps: number[] = [];
  for (let k = 0; k < table.steps; k = table.stepAfter(k)) steps.push(k);

  const m = encoders.length;
  const n = channels.length;
  const position = new Map(encoders.map((e, i) => [e, i]));
  const homes = channels.map((c) => table.homeOf[c]!);
  const needs = Float64Array.from(channels.flatMap((c) => steps.map((k) => table.needOf(c, k))));
  const fixed = Float64Array.from(encoders.flatMap((e) => steps.map((k) => table.sumOn(e, k))));
  const mostChannels = Int32Array.from(encoders.map((e) => table.mostSessionsOf[e]! - table.sessionsOn[e]!));
  homes.forEach((home, c) => {
    const e = position.get(home) as number;
    steps.forEach((_, k) => (fixed[e * steps.length + k]! -= needs[c * steps.length + k]!));
    mostChannels[e]! += 1;
  });
  const allowed = new Uint8Array(n * m);
  const units = channels.reduce((sum, c) => sum + table.peakOf[c]!, 1);
  channels.forEach((c, i) =>
    encoders.forEach((e, j) => {
      const here = homes[i] === e;
      const may = here
        ? !mustLeave(c, e)
        : table.isUsable[e] === 1 &&
          closed?.encoder !== e &&
          pinBreachOf(table, e, c) === null &&
          (policy.allowDiscontinuity || keepsClass(table, c, e));
      allowed[i * m + j] = may ? 1 : 0;
    }),
  );
  return {
    encoders,
    channels,
    problem: {
      channels: n,
      encoders: m,
      steps: steps.length,
      needs,
      fixed,
      // Nothing may come to an encoder that is to be empty, and what stays there is not this search's to move.
      limits: Float64Array.from(
        encoders.map((e) =>
          table.isDraining[e] === 1 || closed?.encoder === e ? Infinity : table.limitOf[e]!,
        ),
      ),
      mostChannels: mostChannels.map((most) => Math.max(0, most)),
      allowed,
      start: Int32Array.from(homes, (home) => position.get(home) as number),
      reluctance: Float64Array.from(channels, (c) => (RELUCTANCE_OF_ALL * table.peakOf[c]!) / units),
      zones: Int32Array.from(encoders, (e) => table.zoneOf[e]!),
      ...groupsOf(draft, channels),
      fewestMoves,
    },
    causeOf: (c) => {
      const home = table.homeOf[c]!;
      const id = table.encoders.idOf(home);
      if (closed?.encoder === home) return closed.cause;
      if (table.isDraining[home] === 1) return { reason: 'drain', words: `${id} is being drained` };
      const cause =
        (context.misplaced.includes(c) ? breachWhereItIs(context, c) : null) ?? overloads.get(home)?.cause;
      return cause ?? { reason: 'make-room', words: `${id} makes room for ${whoNeedsRoom(overloads, closed?.cause)}` }; // prettier-ignore
    },
  };
};

const whoNeedsRoom = (
  overloads: ReadonlyMap<number, ReturnType<typeof overloadOf>>,
  closing?: Cause,
): string => {
  if (closing) return `channels of an encoder that can go: ${closing.words}`;
  const words = [...overloads.values()].flatMap((overload) => overload?.cause.words ?? []);
  return words.length > 0 ? `a channel of another encoder, as ${words[0]}` : 'a channel that must move';
};

const groupsOf = (
  draft: PlanDraft,
  channels: readonly number[],
): Pick<RearrangementProblem, 'groups' | 'zoneCount' | 'taken'> => {
  const { table, tracker } = draft.context;
  const zoneCount = tracker.zones.words.length;
  const numbers = new Map<number, number>();
  const groups = Int32Array.from(channels, (c) => {
    const group = table.groupOf[c]!;
    if (group === NOWHERE) return -1;
    if (!numbers.has(group)) numbers.set(group, numbers.size);
    return numbers.get(group) as number;
  });
  const taken = new Int32Array(numbers.size * zoneCount);
  const searched = new Set(channels);
  for (const [group, number] of numbers) {
    for (const mate of table.groups[group] ?? []) {
      const left = table.leftFrom[mate]!;
      const home = searched.has(mate) ? NOWHERE : table.homeOf[mate]!;
      for (const e of [home, left]) if (e !== NOWHERE) taken[number * zoneCount + table.zoneOf[e]!]! += 1;
    }
  }
  return { groups, zoneCount, taken };
};

/** The moves of an assignment. */
export const intentsOf = (neighbourhood: Neighbourhood, assignment: Int32Array): Intent[] => {
  const { channels, encoders, problem } = neighbourhood;
  return channels.flatMap((channel, i) =>
    assignment[i] === problem.start[i]
      ? []
      : [
          {
            channel,
            target: encoders[assignment[i]!]!,
            cause: neighbourhood.causeOf(channel),
          },
        ],
  );
};
