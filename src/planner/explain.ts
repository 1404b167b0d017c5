import type { Move, MoveExplanation, MoveReason } from '../domain';
import { msUntilStep } from '../forecast';
import { seen, type PlanningContext } from './context';
import { NOWHERE } from './placement-table';
import { formatQuanta, formatUnits, toQuanta, toUnits } from './quanta';
import { alternativesTo, type TargetOptions } from './targets';

/** Why a channel moves, in words and figures. */
export interface Cause {
  reason: MoveReason;
  words: string;
  figures?: Record<string, number>;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

export const roundFigures = (figures: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]));

/** Seconds from now until a step of the table begins; 0 for now. */
const secondsUntil = ({ forecast, atMs }: PlanningContext, step: number): number =>
  forecast && step > 0 ? msUntilStep(forecast, step - 1, atMs) / 1000 : 0;

/** What is wrong with an encoder's coming load. */
export interface Overload {
  encoder: number;
  /** First step over the limit, and when it begins. */
  step: number;
  inSeconds: number;
  cause: Cause;
}

/** The limit as people know it, and what plans may use of it. */
const limitWords = ({ table, policy }: PlanningContext, encoder: number): string => {
  const [limit, full] = [table.limitOf[encoder], table.fullLimitOf[encoder]].map((q) => toUnits(q as number));
  const reserve = policy.reserveFraction > 0 ? `, less reserve ${formatUnits(limit as number)}` : '';
  const usable = table.capacityOf[encoder]!;
  const isBehind = usable < toQuanta(seen(table, encoder).capacityUnits);
  const behind = isBehind ? `; it falls behind real time with more than ${formatQuanta(usable)}` : '';
  return `limit ${formatUnits(full as number)}${reserve}${behind}`;
};

/** @returns null while the encoder stays within its limit */
export const overloadOf = (context: PlanningContext, encoder: number): Overload | null => {
  const { table } = context;
  const step = table.firstStepOverLimit(encoder);
  if (step < 0) return null;
  const { id, capacityUnits } = seen(table, encoder);
  const limitUnits = toUnits(table.limitOf[encoder]!);
  const inSeconds = secondsUntil(context, step);
  const peakUnits = toUnits(table.peakOn[encoder]!);
  const residents = table.residentsOf[encoder]!;
  const currentUnits = toUnits(residents.reduce((sum, c) => sum + table.encodedOf[c]!, 0));
  const when = step === 0 ? 'needs' : 'is forecast to need';
  const at = step === 0 ? 'now' : `at P90, first over the limit in ${Math.ceil(inSeconds)} s`;
  return {
    encoder,
    step,
    inSeconds,
    cause: {
      reason: 'predicted-overload',
      words: `${id} ${when} ${formatUnits(peakUnits)} of ${formatUnits(capacityUnits)} units (${limitWords(context, encoder)}) ${at}`,
      figures: {
        predictedUnits: peakUnits,
        currentUnits,
        limitUnits,
        reserveFraction: context.policy.reserveFraction,
        capacityUnits,
        secondsUntilOverload: inSeconds,
        growth: currentUnits > 0 ? peakUnits / currentUnits : 1,
        growthThreshold: context.policy.growthThreshold,
      },
    },
  };
};

/** Figures and sentence of a move, and the encoders that were not chosen. Call before the loads are changed. */
export const explanationOf = (
  context: PlanningContext,
  channel: number,
  target: number,
  cause: Cause,
  options: TargetOptions,
): MoveExplanation => {
  const { table, fitness, forecast } = context;
  const id = table.channels.idOf(channel);
  const owner = table.channelSeen[channel]?.owner?.encoderId;
  const to = seen(table, target);
  const { rejected, counts } = alternativesTo(context, channel, target, options);
  const withIt = toUnits(table.peakWith(target, channel));
  const limit = toUnits(table.limitOf[target]!);
  const fitnessFrom = owner === undefined ? undefined : fitness.get(owner)?.score;
  const fitnessTo = fitness.get(to.id)?.score;
  return {
    summary:
      `${cause.words}; moving ${id} (${formatQuanta(table.peakOf[channel]!)} units at P90) to ${to.id}, ` +
      `which then needs ${formatUnits(withIt)} of ${formatUnits(to.capacityUnits)} (${limitWords(context, target)}).`,
    ...(forecast && { forecastId: forecast.forecastId }),
    figures: roundFigures({
      ...cause.figures,
      channelUnits: toUnits(table.encodedOf[channel]!),
      channelUnitsP90: toUnits(table.peakOf[channel]!),
      targetUnitsP90: withIt,
      targetLimitUnits: limit,
    }),
    fitness: {
      ...(fitnessFrom !== undefined && { from: round(fitnessFrom) }),
      ...(fitnessTo !== undefined && { to: round(fitnessTo) }),
    },
    rejected: rejected.map(({ encoderId, why }) => ({ encoderId, why })),
    ...(counts && { rejectedCounts: counts }),
  };
};

/** A move with its explanation. Call before the loads are changed. */
export const explainedMove = (
  context: PlanningContext,
  channel: number,
  target: number,
  cause: Cause,
): Move => {
  const { table } = context;
  const owner = table.ownerOf[channel]!;
  const exclude = owner === NOWHERE ? [] : [owner];
  return {
    channelId: table.channels.idOf(channel),
    fromEncoderId: table.channelSeen[channel]?.owner?.encoderId ?? null,
    toEncoderId: table.encoders.idOf(target),
    rungs: table.rungsOf[channel]!,
    reason: cause.reason,
    explanation: explanationOf(context, channel, target, cause, { atMost: 'limit', exclude }),
  };
};
