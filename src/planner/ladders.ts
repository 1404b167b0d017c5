import type { Move } from '../domain';
import { isResting } from './context';
import type { PlanDraft } from './draft';
import { explainedMove, roundFigures } from './explain';
import { NOWHERE } from './placement-table';
import { formatQuanta, toUnits } from './quanta';
import { targetFor } from './targets';

/** A handoff to the same encoder that gives the channel the rungs it deserves. */
const changeOf = (draft: PlanDraft, encoder: number, slot: number): Move => {
  const { table, fitness, forecast } = draft.context;
  const channel = table.channelSeen[slot]!;
  const { spec, viewers } = channel;
  const rungs = table.rungsOf[slot]!;
  const encoderId = table.encoders.idOf(encoder);
  const earns = rungs > channel.rungs ? 'earns' : 'no longer earns more than';
  const score = fitness.get(encoderId)?.score;
  return {
    channelId: spec.id,
    fromEncoderId: encoderId,
    toEncoderId: encoderId,
    rungs,
    reason: 'ladder',
    explanation: {
      summary: `${spec.id} has ${Math.round(viewers)} viewers, which ${earns} ${rungs} of ${spec.ladder.length} renditions (now ${channel.rungs}); handoff to the same encoder, ${encoderId}.`,
      ...(forecast && { forecastId: forecast.forecastId }),
      figures: roundFigures({
        viewers,
        viewersThreshold: spec.viewersPerRung[Math.min(rungs, channel.rungs) - 1] ?? 0,
        rungs,
        rungsBefore: channel.rungs,
        channelUnits: toUnits(table.encodedOf[slot]!),
        channelUnitsAfter: toUnits(table.needOf(slot, 0)),
        encoderUnitsAfter: toUnits(table.encodedAfterGrowth(encoder, slot)),
        limitUnits: toUnits(table.fullLimitOf[encoder]!),
      }),
      ...(score !== undefined && { fitness: { from: score, to: score } }),
      rejected: [],
    },
  };
};

/**
 * Gives each channel the rungs that its audience deserves, by a handoff to the same encoder; smaller ladders
 * first. A growth that would put the encoder over its limit now waits until the relief move has left; where it
 * would exceed the whole capacity and nobody leaves, the channel grows elsewhere.
 */
export const planLadders = (draft: PlanDraft): void => {
  const { table } = draft.context;
  const rungsBefore = (c: number): number => table.rungsNow[c]!;
  const viewersOf = (c: number): number => table.channelSeen[c]!.viewers;
  const byHome = (a: number, b: number): number =>
    table.encoders.compare(table.homeOf[a]!, table.homeOf[b]!) || table.channels.compare(a, b);
  const changing = table.channels
    .filter((c) => table.rungsOf[c] !== rungsBefore(c) && draft.isFree(c))
    .filter((c) => table.isDraining[table.homeOf[c]!] === 0);
  const shrinking = changing.filter((c) => table.rungsOf[c]! < rungsBefore(c)).sort(byHome);
  const growing = changing
    .filter((c) => table.rungsOf[c]! > rungsBefore(c))
    .sort((a, b) => viewersOf(b) - viewersOf(a) || byHome(a, b));

  for (const channel of shrinking) {
    if (draft.movesLeft === 0) return;
    const home = table.homeOf[channel]!;
    const isCrowded = table.occupiedOn[home]! > table.fullLimitOf[home]!;
    if (isResting(draft.context, channel) && !isCrowded) continue;
    draft.settle(changeOf(draft, home, channel), channel);
  }
  for (const channel of growing) {
    if (draft.movesLeft === 0) return;
    growWhereItFits(draft, channel);
  }
};

const growWhereItFits = (draft: PlanDraft, channel: number): void => {
  const { context } = draft;
  const { table, index } = context;
  const home = table.homeOf[channel]!;
  const after = table.encodedAfterGrowth(home, channel);
  if (after <= table.fullLimitOf[home]!) {
    draft.settle(changeOf(draft, home, channel), channel);
    table.grow(channel);
    return;
  }
  const encoderId = table.encoders.idOf(home);
  const channelId = table.channels.idOf(channel);
  const words = `${encoderId} would carry ${formatQuanta(after)} units, over its limit of ${formatQuanta(table.fullLimitOf[home]!)}, if ${channelId} grew to ${table.rungsOf[channel]} renditions`;
  const reliefIsPlanned = table.firstStepOverLimit(home) < 0;
  if (after > table.capacityOf[home]! && !reliefIsPlanned && !isResting(context, channel)) {
    const target = targetFor(context, channel, { atMost: 'limit', exclude: [home] });
    if (target !== NOWHERE && draft.allowsMove(home, target)) {
      draft.settle(explainedMove(context, channel, target, { reason: 'ladder', words }), channel, [
        home,
        target,
      ]);
      table.relocate(channel, target);
      index.update(target);
      return;
    }
  }
  draft.report({ channelId, encoderId, why: `${words}; it waits until others have left` });
};
