import type { Move } from '../domain';
import type { ChannelDemand } from './demand';
import { hasTarget, type PlanDraft } from './draft';
import { roundFigures } from './explain';
import { UNITS_TOLERANCE, type EncoderLoad } from './load-book';
import { chooseAmong, formatUnits } from './targets';

/** A handoff to the same encoder that gives the channel the rungs it deserves. */
const changeOf = (draft: PlanDraft, demand: ChannelDemand, load: EncoderLoad): Move => {
  const { channel, channelId, rungs } = demand;
  const { spec, viewers } = channel;
  const encoderId = load.encoder.id;
  const earns = rungs > channel.rungs ? 'earns' : 'no longer earns more than';
  const score = draft.context.fitness.get(encoderId)?.score;
  return {
    channelId,
    fromEncoderId: encoderId,
    toEncoderId: encoderId,
    rungs,
    reason: 'ladder',
    explanation: {
      summary: `${channelId} has ${Math.round(viewers)} viewers, which ${earns} ${rungs} of ${spec.ladder.length} renditions (now ${channel.rungs}); handoff to the same encoder, ${encoderId}.`,
      ...(draft.context.forecast && { forecastId: draft.context.forecast.forecastId }),
      figures: roundFigures({
        viewers,
        viewersThreshold: spec.viewersPerRung[Math.min(rungs, channel.rungs) - 1] ?? 0,
        rungs,
        rungsBefore: channel.rungs,
        channelUnits: demand.encodedUnits,
        channelUnitsAfter: demand.needs[0] as number,
        encoderUnitsAfter: load.encodedUnitsAfterChange(demand),
        limitUnits: load.limitUnits,
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
  const changes = [...draft.context.loads.values()]
    .filter((load) => load.encoder.reachable && !load.encoder.draining)
    .flatMap((load) => draft.freeChannelsOn(load).map((demand) => ({ load, demand })));
  const shrinking = changes.filter(({ demand }) => demand.rungs < demand.channel.rungs);
  const growing = changes
    .filter(({ demand }) => demand.rungs > demand.channel.rungs)
    .sort((a, b) => b.demand.channel.viewers - a.demand.channel.viewers);

  for (const { load, demand } of shrinking) {
    if (draft.movesLeft === 0) return;
    const crowded = load.nowUnits > load.limitUnits + UNITS_TOLERANCE;
    if (draft.isResting(demand) && !crowded) continue;
    draft.changeInPlace(changeOf(draft, demand, load), demand);
  }
  for (const { load, demand } of growing) {
    if (draft.movesLeft === 0) return;
    growWhereItFits(draft, load, demand);
  }
};

const growWhereItFits = (draft: PlanDraft, load: EncoderLoad, demand: ChannelDemand): void => {
  const { channelId, rungs } = demand;
  const { encoder, limitUnits } = load;
  const after = load.encodedUnitsAfterChange(demand);
  if (after <= limitUnits + UNITS_TOLERANCE) {
    draft.changeInPlace(changeOf(draft, demand, load), demand);
    load.grows(demand);
    return;
  }
  const cause = `${encoder.id} would carry ${formatUnits(after)} units, over its limit of ${formatUnits(limitUnits)}, if ${channelId} grew to ${rungs} renditions`;
  const reliefIsPlanned = load.firstStepOverLimit < 0;
  if (after > encoder.capacityUnits + UNITS_TOLERANCE && !reliefIsPlanned) {
    const choice = chooseAmong(draft.context, demand, { atMost: 'limit', exclude: [encoder.id] });
    if (hasTarget(choice)) {
      draft.moveAway(demand, load, choice, { reason: 'ladder', cause });
      return;
    }
  }
  draft.unmet.push({
    channelId,
    encoderId: encoder.id,
    why: `${cause}; it waits until others have left`,
  });
};
