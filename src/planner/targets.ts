import type { ErrorCode } from '../domain';
import { headroomTerm, scoreOf } from '../fitness';
import type { PlanningContext } from './context';
import type { ChannelDemand } from './demand';
import { UNITS_TOLERANCE, type EncoderLoad } from './load-book';

export interface Rejection {
  encoderId: string;
  code: ErrorCode;
  why: string;
}

/** How far a target may be filled: to the policy's limit, or to the encoder's whole capacity. */
export type FillBound = 'limit' | 'capacity';

export const formatUnits = (units: number): string => units.toFixed(2);

/** Why an encoder can't take a channel, or null if it can. */
export const rejectionOf = (load: EncoderLoad, demand: ChannelDemand, bound: FillBound): Rejection | null => {
  const { encoder } = load;
  const reject = (code: ErrorCode, why: string): Rejection => ({ encoderId: encoder.id, code, why });
  if (!encoder.reachable) return reject('encoder-unreachable', 'does not answer');
  if (encoder.draining) return reject('encoder-cordoned', 'is being drained');
  if (encoder.cordoned) return reject('encoder-cordoned', 'is cordoned');
  const { region } = demand.channel.spec;
  if (encoder.region !== region) {
    return reject('encoder-incompatible', `is in region ${encoder.region}, the channel in ${region}`);
  }
  if (!load.hasSessionLeft) {
    return reject('encoder-full', `has all of its ${encoder.maxSessions} sessions in use`);
  }
  return fillRejectionOf(load, demand, bound);
};

/** The part of `rejectionOf` that is about room alone. */
export const fillRejectionOf = (
  load: EncoderLoad,
  demand: ChannelDemand,
  bound: FillBound,
): Rejection | null => {
  const { encoder, limitUnits } = load;
  const boundUnits = bound === 'limit' ? limitUnits : encoder.capacityUnits;
  const needed = load.peakUnitsWith(demand);
  if (needed <= boundUnits + UNITS_TOLERANCE) return null;
  return {
    encoderId: encoder.id,
    code: 'encoder-full',
    why: `would need ${formatUnits(needed)} units at P90, over its ${bound} of ${formatUnits(boundUnits)}`,
  };
};

/** Fitness of an encoder as it would be with this channel: headroom after all that the plan has placed so far. */
const scoreWith = (context: PlanningContext, load: EncoderLoad, demand: ChannelDemand): number => {
  const fitness = context.fitness.get(load.encoder.id);
  if (!fitness) return 0;
  const now = load.nowUnits + (demand.needs[0] as number);
  const headroom = headroomTerm(now, load.peakUnitsWith(demand), load.limitUnits);
  return scoreOf({ ...fitness.terms, headroom });
};

export interface TargetChoice {
  /** The fittest encoder that can take the channel; undefined if none can. */
  load?: EncoderLoad;
  /** All others and why not. */
  rejected: Rejection[];
}

/** Chooses the fittest encoder for a channel; equal scores go by id. */
export const chooseAmong = (
  context: PlanningContext,
  demand: ChannelDemand,
  options: { atMost: FillBound; exclude?: readonly string[] },
): TargetChoice => {
  const rejected: Rejection[] = [];
  const candidates: { load: EncoderLoad; score: number }[] = [];
  for (const load of context.loads.values()) {
    if (options.exclude?.includes(load.encoder.id)) continue;
    const rejection = rejectionOf(load, demand, options.atMost);
    if (rejection) rejected.push(rejection);
    else candidates.push({ load, score: scoreWith(context, load, demand) });
  }
  // Rounded, so that the last digits of a sum do not decide where the id should.
  candidates.sort((a, b) => Math.round((b.score - a.score) * 1e9));
  const [best, ...others] = candidates;
  if (!best) return { rejected };
  for (const { load, score } of others) {
    const why = `less fit with it: ${score.toFixed(3)}, ${best.load.encoder.id} ${best.score.toFixed(3)}`;
    rejected.push({ encoderId: load.encoder.id, code: 'no-target', why });
  }
  return { load: best.load, rejected };
};
