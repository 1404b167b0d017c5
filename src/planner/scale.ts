import type { ScaleChange } from '../domain';
import { empty } from './consolidation';
import { seen, type PlanningContext } from './context';
import type { PlanDraft } from './draft';
import { roundFigures } from './explain';
import { toUnits } from './quanta';
import { regionOutlooks } from './regions';
import { decideScaleIn, decideScaleOut, type ScaleInput } from './scale-decision';
import { schedule } from './schedule';

/** Encoders that are tried, the easiest first, before none is released in this cycle. */
const MOST_DEPARTURES_TRIED = 8;
/** The others may be filled to their limits when an encoder is emptied: the quantile has its reserve in it. */
const FILL = 1;

const inputOf = (draft: PlanDraft): ScaleInput => {
  const { atMs, policy, table, tracker, forecast } = draft.context;
  return {
    atMs,
    policy,
    forecast: tracker.forecastOfTotal(),
    pending: tracker.pendingEncoders,
    outcomes: tracker.provisioning,
    congestedRegions: regionOutlooks(forecast, atMs, policy).flatMap((r) => (r.congested ? [r.region] : [])),
    unplacedUnits: toUnits(draft.unplaced),
    nowUnits: toUnits(table.neededNow),
    encoders: table.encoders.inOrder().map((e) => ({
      id: table.encoders.idOf(e),
      zone: seen(table, e).zone,
      region: seen(table, e).region,
      limitUnits: toUnits(table.limitOf[e]!),
      staying: table.isStaying[e] === 1,
      usable: table.isUsable[e] === 1,
    })),
  };
};

/** See `decideScaleOut`; a need that can't be met is reported. */
export const planScaleOut = (draft: PlanDraft): ScaleChange => {
  const { table } = draft.context;
  const all = table.encoders.inOrder();
  // Nobody answered: that says nothing of demand or of capacity, and new hosts would hardly be reached either.
  if (all.length > 0 && all.every((e) => table.isStaying[e] === 0 && table.isDraining[e] === 0)) {
    draft.report({ why: `none of ${all.length} encoders answers, so the fleet is not changed` });
    return { kind: 'none' };
  }
  const { scale, unmet } = decideScaleOut(inputOf(draft));
  if (unmet !== undefined) draft.report({ why: unmet });
  return scale;
};

/** Seconds that demand is expected to stay low: as far as the forecast reaches, or as long as it has been low. */
const quietSeconds = ({ forecast }: PlanningContext, lowForSeconds: number): number =>
  Math.max(
    lowForSeconds,
    forecast ? (forecast.totalUnits?.p50.length ?? forecast.horizonSteps) * forecast.stepSeconds : 0,
  );

/**
 * Consolidation, which the threshold rule does at "low load", here only ever to let a whole encoder go (see
 * `decideScaleIn`): of the smallest, so that the larger ones carry the rest, the one that the fewest moves empty; of
 * these the least loaded, then least fit. The moves must
 * cost less than the encoder saves while demand is expected to stay low. Not while anything else is wrong: an encoder
 * silent or draining, a channel off air, a wish unmet.
 */
export const planScaleIn = (
  draft: PlanDraft,
  lowDemandSinceMs: number | null,
): { scale: ScaleChange; lowDemandSinceMs: number | null } => {
  const { context } = draft;
  const { atMs, policy, table, waiting, fitness } = context;
  const input = inputOf(draft);
  const { departures, lowDemandSinceMs: since } = decideScaleIn(input, lowDemandSinceMs);
  const none = { scale: { kind: 'none' } as const, lowDemandSinceMs: since };
  const troubled = input.encoders.some((e) => !e.staying) || waiting.length > 0 || draft.unmet.length > 0;
  if (troubled || departures.length === 0) return none;

  const quiet = quietSeconds(context, (atMs - (since ?? atMs)) / 1000);
  const worthMoves = quiet / Math.max(policy.handoffCostEncoderSeconds, 1e-9);
  const channelsOn = (e: number): number => table.residentsOf[e]!.length;
  const scoreOf = (e: number): number => fitness.get(table.encoders.idOf(e))?.score ?? 0;
  const inOrder = departures
    .map((departure) => ({ departure, encoder: table.encoders.slotOf(departure.encoderId) }))
    .filter(({ encoder }) => channelsOn(encoder) <= worthMoves)
    .sort(
      ({ encoder: a }, { encoder: b }) =>
        table.limitOf[a]! - table.limitOf[b]! ||
        channelsOn(a) - channelsOn(b) ||
        table.peakOn[a]! - table.peakOn[b]! ||
        Math.round((scoreOf(a) - scoreOf(b)) * 1e6) ||
        table.encoders.compare(b, a),
    );
  const start = table.mark();
  for (const { departure, encoder } of inOrder.slice(0, MOST_DEPARTURES_TRIED)) {
    const { encoderId, reason, figures } = departure;
    const intents = empty(draft, encoder, FILL, { reason: 'consolidation', words: reason });
    if (!intents) continue;
    schedule(draft, start);
    return {
      scale: {
        kind: 'deprovision',
        encoderId,
        reason,
        figures: roundFigures({ ...figures, channels: intents.length }),
      },
      lowDemandSinceMs: since,
    };
  }
  return none;
};
