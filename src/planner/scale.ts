import type { ScaleChange } from '../domain';
import type { ChannelDemand } from './demand';
import { hasTarget, type PlanDraft } from './draft';
import { roundFigures } from './explain';
import { UNITS_TOLERANCE, type EncoderLoad } from './load-book';
import { chooseAmong, formatUnits, type TargetChoice } from './targets';

const sum = (values: readonly number[]): number => values.reduce((total, v) => total + v, 0);

/** Highest total, now or at P90 of any step, of what all channels need. */
const totalDemandUnits = (draft: PlanDraft): number => {
  const demands = [...draft.context.demands.values()];
  const steps = demands[0]?.needs.length ?? 0;
  return Math.max(
    0,
    ...Array.from({ length: steps }, (_, k) => sum(demands.map((d) => d.needs[k] as number))),
  );
};

const isStaying = ({ encoder }: EncoderLoad): boolean => encoder.reachable && !encoder.draining;

/**
 * The concept note's "predicted demand > current capacity": more encoders when the channels will need more than
 * the limits of all usable encoders together, or when some found no room although the sum would do.
 */
export const planScaleOut = (draft: PlanDraft): ScaleChange => {
  const { policy, loads } = draft.context;
  const all = [...loads.values()];
  const usable = all.filter((load) => isStaying(load) && !load.encoder.cordoned);
  const limitUnits = sum(usable.map((load) => load.limitUnits));
  const demandUnits = totalDemandUnits(draft);
  const shortUnits = Math.max(demandUnits - limitUnits, draft.homelessUnits);
  if (shortUnits <= UNITS_TOLERANCE) return { kind: 'none' };

  const known = all.length > 0 ? sum(all.map((load) => load.limitUnits)) / all.length : 0;
  const wanted = known > 0 ? Math.ceil(shortUnits / known - UNITS_TOLERANCE) : 1;
  const count = Math.min(Math.max(1, wanted), policy.maxEncoders - all.length);
  const figures = roundFigures({
    demandUnits,
    limitUnits,
    homelessUnits: draft.homelessUnits,
    encoders: all.length,
    maxEncoders: policy.maxEncoders,
  });
  const cause =
    demandUnits > limitUnits + UNITS_TOLERANCE
      ? `channels will need ${formatUnits(demandUnits)} units at P90, the limits of ${usable.length} usable encoders are ${formatUnits(limitUnits)} together`
      : `${formatUnits(draft.homelessUnits)} units found no room on any one encoder below its limit`;
  if (count < 1) {
    draft.unmet.push({
      why: `${cause}; no encoder can be added, there are ${all.length} of at most ${policy.maxEncoders}`,
    });
    return { kind: 'none' };
  }
  return { kind: 'provision', count, reason: `${cause}; ${count} more`, figures };
};

interface Departure {
  load: EncoderLoad;
  score: number;
}

/** Targets for all channels of an encoder, largest first, or null if one has none. Leaves the loads as after. */
const evacuate = (
  draft: PlanDraft,
  load: EncoderLoad,
): { demand: ChannelDemand; choice: TargetChoice & { load: EncoderLoad } }[] | null => {
  const found: { demand: ChannelDemand; choice: TargetChoice & { load: EncoderLoad } }[] = [];
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
 * Consolidation, as the concept note means it by "low load", only ever to let a whole encoder go: total demand
 * at P90 has been below `deprovisionFraction` of what the remaining encoders may carry, for the stabilisation
 * time. The least loaded, then least fit, encoder goes whose channels all fit elsewhere, and never a zone with it
 * while there are only two. Not while anything else is wrong: an encoder silent, a channel off air, a move under
 * way or unmet.
 */
export const planScaleIn = (
  draft: PlanDraft,
  lowDemandSinceMs: number | null,
): { scale: ScaleChange; lowDemandSinceMs: number | null } => {
  const { atMs, policy, loads, waiting, demands } = draft.context;
  const staying = [...loads.values()].filter(isStaying);
  const none = (since: number | null) => ({ scale: { kind: 'none' } as const, lowDemandSinceMs: since });
  if (staying.length <= policy.minEncoders) return none(null);

  const demandUnits = totalDemandUnits(draft);
  const total = sum(staying.map((load) => load.limitUnits));
  const markFor = (load: EncoderLoad): number => policy.deprovisionFraction * (total - load.limitUnits);
  const isLow = (load: EncoderLoad): boolean => demandUnits < markFor(load);
  const candidates: Departure[] = staying
    .filter(isLow)
    .map((load) => ({ load, score: draft.context.fitness.get(load.encoder.id)?.score ?? 0 }));
  if (candidates.length === 0) return none(null);

  const since = lowDemandSinceMs ?? atMs;
  const settled = atMs - since >= policy.scaleInStabilisationSeconds * 1000;
  const busy =
    staying.length < loads.size ||
    waiting.length > 0 ||
    draft.unmet.length > 0 ||
    draft.moves.length > 0 ||
    [...demands.values()].some((d) => d.channel.moving);
  if (!settled || busy) return none(since);

  const zones = new Set(staying.map((load) => load.encoder.zone));
  const keepsZones = ({ load }: Departure): boolean => {
    const left = new Set(staying.filter((other) => other !== load).map((other) => other.encoder.zone));
    return left.size >= Math.min(2, zones.size);
  };
  candidates.sort(
    (a, b) =>
      Math.round((a.load.peakUnits - b.load.peakUnits) * 1e6) ||
      Math.round((a.score - b.score) * 1e6) ||
      (a.load.encoder.id > b.load.encoder.id ? -1 : 1),
  );
  for (const departure of candidates.filter(keepsZones)) {
    const targets = evacuate(draft, departure.load);
    if (!targets) continue;
    const { encoder } = departure.load;
    const mark = markFor(departure.load);
    const reason = `channels will need ${formatUnits(demandUnits)} units at P90, below ${formatUnits(mark)} (${policy.deprovisionFraction} of what the others may carry) for ${Math.round((atMs - since) / 1000)} s; ${encoder.id} can go`;
    for (const { demand, choice } of targets) {
      if (draft.movesLeft === 0) break;
      draft.moveAway(demand, departure.load, choice, { reason: 'consolidation', cause: reason });
    }
    return {
      scale: {
        kind: 'deprovision',
        encoderId: encoder.id,
        reason,
        figures: roundFigures({
          demandUnits,
          markUnits: mark,
          encoders: staying.length,
          channels: targets.length,
        }),
      },
      lowDemandSinceMs: since,
    };
  }
  return none(since);
};
