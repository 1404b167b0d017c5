import type { ScaleChange } from '../domain';
import type { ChannelDemand } from './demand';
import { hasTarget, type PlanDraft } from './draft';
import type { EncoderLoad } from './load-book';
import { decideScaleIn, decideScaleOut, type ScaleInput } from './scale-decision';
import { chooseAmong, type TargetChoice } from './targets';

const inputOf = (draft: PlanDraft): ScaleInput => {
  const { atMs, policy, forecast, loads, demands, pending, outcomes } = draft.context;
  return {
    atMs,
    policy,
    forecast,
    pending,
    outcomes,
    homelessUnits: draft.homelessUnits,
    nowUnits: [...demands.values()].reduce((sum, d) => sum + (d.needs[0] as number), 0),
    encoders: [...loads.values()].map(({ encoder, limitUnits }) => {
      const staying = encoder.reachable && !encoder.draining;
      return {
        id: encoder.id,
        zone: encoder.zone,
        limitUnits,
        staying,
        usable: staying && !encoder.cordoned,
      };
    }),
  };
};

/** See `decideScaleOut`; a need that can't be met is reported. */
export const planScaleOut = (draft: PlanDraft): ScaleChange => {
  const { scale, unmet } = decideScaleOut(inputOf(draft));
  if (unmet !== undefined) draft.unmet.push({ why: unmet });
  return scale;
};

interface Evacuation {
  demand: ChannelDemand;
  choice: TargetChoice & { load: EncoderLoad };
}

/** Targets for all channels of an encoder, largest first, or null if one has none. Leaves the loads as they were. */
const evacuate = (draft: PlanDraft, load: EncoderLoad): Evacuation[] | null => {
  const found: Evacuation[] = [];
  const leaving = [...load.placed.values()].sort(
    (a, b) => b.peakUnits - a.peakUnits || (a.channelId < b.channelId ? -1 : 1),
  );
  let complete = true;
  for (const demand of leaving) {
    const choice = chooseAmong(draft.context, demand, { atMost: 'limit', exclude: [load.encoder.id] });
    if (!hasTarget(choice)) {
      complete = false;
      break;
    }
    choice.load.place(demand);
    found.push({ demand, choice });
  }
  for (const { demand, choice } of found) choice.load.unplace(demand);
  return complete ? found : null;
};

/**
 * Consolidation, only ever to let a whole encoder go (see `decideScaleIn`): of those that may go the least loaded, then
 * least fit, whose channels all fit elsewhere. Not while anything is wrong: an encoder silent or draining, a channel
 * off air, a move unmet.
 */
export const planScaleIn = (
  draft: PlanDraft,
  lowDemandSinceMs: number | null,
): { scale: ScaleChange; lowDemandSinceMs: number | null } => {
  const { loads, waiting, fitness } = draft.context;
  const input = inputOf(draft);
  const { departures, lowDemandSinceMs: since } = decideScaleIn(input, lowDemandSinceMs);
  const troubled = input.encoders.some((e) => !e.staying) || waiting.length > 0 || draft.unmet.length > 0;
  if (troubled) return { scale: { kind: 'none' }, lowDemandSinceMs: since };

  const candidates = departures
    .map((departure) => ({
      departure,
      load: loads.get(departure.encoderId) as EncoderLoad,
      score: fitness.get(departure.encoderId)?.score ?? 0,
    }))
    .sort(
      (a, b) =>
        Math.round((a.load.peakUnits - b.load.peakUnits) * 1e6) ||
        Math.round((a.score - b.score) * 1e6) ||
        (a.departure.encoderId > b.departure.encoderId ? -1 : 1),
    );
  for (const { departure, load } of candidates) {
    const targets = evacuate(draft, load);
    if (!targets) continue;
    const { encoderId, reason, figures } = departure;
    for (const { demand, choice } of targets) {
      if (draft.movesLeft === 0) break;
      if (draft.isFree(demand))
        draft.moveAway(demand, load, choice, { reason: 'consolidation', cause: reason });
    }
    return {
      scale: { kind: 'deprovision', encoderId, reason, figures: { ...figures, channels: targets.length } },
      lowDemandSinceMs: since,
    };
  }
  return { scale: { kind: 'none' }, lowDemandSinceMs: since };
};
