import { isAllowed } from './constraints';
import type { Intent, PlanDraft } from './draft';
import { intentsOf, type Neighbourhood } from './neighbourhood';
import { orderOf } from './order';
import { Rearrangement } from './rearrangement';

/** A fleet up to this size is searched as a whole. */
const SMALL_FLEET = { encoders: 16, channels: 96 };
/** Of a larger one: encoders around the one that matters. */
const ENCODERS_OF_A_PLACE = 8;
/** Iterations of a search grow with the number of places to choose from, up to the most. */
const ITERATIONS_PER_PLACE = 8;
const MOST_ITERATIONS = 3_000;
const ITERATIONS_OF_A_PLACE = 200;
/** Assignments whose moves can't be put in order are searched for again without those, so often. */
const MOST_ATTEMPTS = 3;

export const isSmallFleet = ({ context: { table } }: PlanDraft): boolean =>
  table.encoders.size <= SMALL_FLEET.encoders && table.channels.size <= SMALL_FLEET.channels;

/** An encoder and those that could take its channels: all of a small fleet, else those with most room. By id. */
export const encodersAround = (draft: PlanDraft, encoder: number): number[] => {
  const { table, policy } = draft.context;
  if (isSmallFleet(draft)) return reachableEncoders(draft);
  const leaving = draft.freeChannelsOn(encoder);
  const room = (e: number): number => table.limitOf[e]! - table.peakOn[e]!;
  const roomy = table.encoders.filter((e) => e !== encoder && table.isUsable[e] === 1 && room(e) >= 0);
  roomy.sort((a, b) => room(b) - room(a) || table.encoders.compare(a, b));
  const found = [encoder];
  for (const e of roomy) {
    if (found.length === ENCODERS_OF_A_PLACE) break;
    if (leaving.some((c) => isAllowed(table, policy, e, c))) found.push(e);
  }
  return found.sort((a, b) => table.encoders.compare(a, b));
};

export const reachableEncoders = ({ context: { table } }: PlanDraft): number[] =>
  table.encoders.filter((e) => table.isStaying[e] === 1 || table.isDraining[e] === 1);

/** Moves that repair a neighbourhood and that can be carried out in some order, or null if none were found. */
export const searchIn = (draft: PlanDraft, neighbourhood: Neighbourhood): Intent[] | null => {
  const { channels, encoders, problem } = neighbourhood;
  const iterations = isSmallFleet(draft)
    ? Math.min(MOST_ITERATIONS, ITERATIONS_PER_PLACE * channels.length * encoders.length)
    : ITERATIONS_OF_A_PLACE;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const assignment = new Rearrangement(problem).solve(iterations);
    if (!assignment) return null;
    const intents = intentsOf(neighbourhood, assignment);
    const ordered = new Set(orderOf(draft, intents).map(({ intent }) => intent));
    if (ordered.size === intents.length) return intents;
    // Channels that would have to go before each other: not so, then.
    for (const intent of intents) {
      const place = channels.indexOf(intent.channel) * encoders.length + encoders.indexOf(intent.target);
      if (!ordered.has(intent)) problem.allowed[place] = 0;
    }
  }
  return null;
};
