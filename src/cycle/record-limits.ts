import type { Fitness } from '../domain';
import type { Decision } from './decide';

/**
 * Entries of each list that the record of a cycle carries through Temporal. A cell of some hundred channels stays below
 * all of them; above, the record says how many are left out, and planning again from the snapshot gives them.
 */
export const RECORDED_AT_MOST = { fitness: 100, unmet: 100, updates: 20, unreachable: 100 } as const;

/** Entries left out, by list; empty where there are none. */
export type Omitted = Partial<Record<keyof typeof RECORDED_AT_MOST, number>>;

/** Those encoders that moves and changes of scale name come first, then the weakest; in the order of the list. */
const fitnessForRecord = ({ fitness, plan, updates }: Decision, atMost: number): Fitness[] => {
  if (fitness.length <= atMost) return fitness;
  const named = new Set([
    ...plan.moves.flatMap((move) => [move.fromEncoderId, move.toEncoderId]),
    plan.scale.kind === 'deprovision' ? plan.scale.encoderId : null,
    updates[0]?.encoderId ?? null,
  ]);
  const rank = (f: Fitness): number => (named.has(f.encoderId) ? f.score - 2 : f.score);
  const chosen = new Set([...fitness].sort((a, b) => rank(a) - rank(b)).slice(0, atMost));
  return fitness.filter((f) => chosen.has(f));
};

/** The decision as a cycle's record carries it: what is done whole, what explains it up to a limit. */
export const forRecord = (
  decision: Decision,
  unreachable: readonly string[],
): Decision & { unreachable: string[]; omitted?: Omitted } => {
  const limits = RECORDED_AT_MOST;
  const { fitness, plan, updates } = decision;
  const limited = {
    fitness: fitnessForRecord(decision, limits.fitness),
    plan: { ...plan, unmet: plan.unmet.slice(0, limits.unmet) },
    updates: updates.slice(0, limits.updates),
    unreachable: unreachable.slice(0, limits.unreachable),
  };
  const counts: Required<Omitted> = {
    fitness: fitness.length - limited.fitness.length,
    unmet: plan.unmet.length - limited.plan.unmet.length,
    updates: updates.length - limited.updates.length,
    unreachable: unreachable.length - limited.unreachable.length,
  };
  const omitted: Omitted = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return { ...limited, ...(Object.keys(omitted).length > 0 && { omitted }) };
};
