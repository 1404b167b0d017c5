import type { Move, MoveExplanation, MoveReason } from '../domain';
import { msUntilStep, stepAt } from '../forecast';
import type { PlanningContext } from './context';
import type { ChannelDemand } from './demand';
import type { EncoderLoad } from './load-book';
import { formatUnits, type TargetChoice } from './targets';

const round = (value: number): number => Math.round(value * 1000) / 1000;

export const roundFigures = (figures: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]));

/** Seconds from now until a step of ChannelDemand.needs begins; 0 for now. */
const secondsUntil = ({ forecast, atMs }: PlanningContext, needStep: number): number =>
  forecast && needStep > 0 ? msUntilStep(forecast, stepAt(forecast, atMs) + needStep - 1, atMs) / 1000 : 0;

/** What is wrong with an encoder's coming load, in words and figures. */
export interface Overload {
  load: EncoderLoad;
  /** First step over the limit, and when it begins. */
  step: number;
  inSeconds: number;
  words: string;
  figures: Record<string, number>;
}

/** @returns null while the encoder stays within its limit */
export const overloadOf = (context: PlanningContext, load: EncoderLoad): Overload | null => {
  const step = load.firstStepOverLimit;
  if (step < 0) return null;
  const { encoder, limitUnits } = load;
  const inSeconds = secondsUntil(context, step);
  const peakUnits = load.peakUnits;
  const currentUnits = [...load.placed.values()].reduce((sum, d) => sum + d.encodedUnits, 0);
  const growth = currentUnits > 0 ? peakUnits / currentUnits : 1;
  const when = step === 0 ? 'needs' : 'is forecast to need';
  const at = step === 0 ? 'now' : `at P90, first over the limit in ${Math.ceil(inSeconds)} s`;
  return {
    load,
    step,
    inSeconds,
    words: `${encoder.id} ${when} ${formatUnits(peakUnits)} of ${formatUnits(encoder.capacityUnits)} units (limit ${formatUnits(limitUnits)}) ${at}`,
    figures: {
      predictedUnits: peakUnits,
      currentUnits,
      limitUnits,
      capacityUnits: encoder.capacityUnits,
      secondsUntilOverload: inSeconds,
      growth,
      growthThreshold: context.policy.growthThreshold,
    },
  };
};

/** A move with its explanation. Call before the target's load is changed. */
export const explainedMove = (
  context: PlanningContext,
  demand: ChannelDemand,
  target: EncoderLoad,
  choice: TargetChoice,
  why: { reason: MoveReason; cause: string; figures?: Record<string, number> },
): Move => {
  const { channelId, channel, rungs } = demand;
  const from = channel.owner?.encoderId ?? null;
  const to = target.encoder.id;
  const withIt = target.peakUnitsWith(demand);
  const fitnessFrom = from === null ? undefined : context.fitness.get(from)?.score;
  const fitnessTo = context.fitness.get(to)?.score;
  const explanation: MoveExplanation = {
    summary:
      `${why.cause}; moving ${channelId} (${formatUnits(demand.peakUnits)} units at P90) to ${to}, ` +
      `which then needs ${formatUnits(withIt)} of ${formatUnits(target.encoder.capacityUnits)} ` +
      `(limit ${formatUnits(target.limitUnits)}).`,
    ...(context.forecast && { forecastId: context.forecast.forecastId }),
    figures: roundFigures({
      ...why.figures,
      channelUnits: demand.encodedUnits,
      channelUnitsP90: demand.peakUnits,
      targetUnitsP90: withIt,
      targetLimitUnits: target.limitUnits,
    }),
    fitness: {
      ...(fitnessFrom !== undefined && { from: round(fitnessFrom) }),
      ...(fitnessTo !== undefined && { to: round(fitnessTo) }),
    },
    rejected: choice.rejected.map(({ encoderId, why: reason }) => ({ encoderId, why: reason })),
  };
  return { channelId, fromEncoderId: from, toEncoderId: to, rungs, reason: why.reason, explanation };
};
