import type { ScaleChange } from '../domain';
import { empty } from './consolidation';
import type { PlanDraft } from './draft';
import { roundFigures } from './explain';
import { schedule } from './schedule';
import { formatUnits, toUnits } from './quanta';

/** Units that two ways of adding the same figures may differ by. */
const ROUNDING_UNITS = 1e-6;
/** So many encoders are tried, the easiest first, before none is let go in this cycle. */
const MOST_DEPARTURES_TRIED = 8;

const sum = (values: readonly number[]): number => values.reduce((total, v) => total + v, 0);

/** Highest total, now or at P90 of any step, of what all channels need. */
const totalDemandUnits = ({ context: { book } }: PlanDraft): number =>
  book.channels.size > 0 ? toUnits(book.peakBetween(book.totals, 0)) : 0;

const limitUnitsOf = ({ context: { book } }: PlanDraft, encoder: number): number =>
  toUnits(book.limitOf[encoder] as number);

const stayingEncoders = ({ context: { book } }: PlanDraft): number[] =>
  book.encoders.inOrder().filter((e) => book.isStaying[e] === 1);

/**
 * The concept note's "predicted demand > current capacity": more encoders when the channels will need more than
 * the limits of all usable encoders together, or when some found no room although the sum would do.
 */
export const planScaleOut = (draft: PlanDraft): ScaleChange => {
  const { policy, book } = draft.context;
  const all = book.encoders.inOrder();
  const usable = all.filter((e) => book.isUsable[e] === 1);
  const limitUnits = sum(usable.map((e) => limitUnitsOf(draft, e)));
  const demandUnits = totalDemandUnits(draft);
  const homelessUnits = toUnits(draft.homeless);
  const shortUnits = Math.max(demandUnits - limitUnits, homelessUnits);
  if (shortUnits <= ROUNDING_UNITS) return { kind: 'none' };

  const known = all.length > 0 ? sum(all.map((e) => limitUnitsOf(draft, e))) / all.length : 0;
  const wanted = known > 0 ? Math.ceil(shortUnits / known - ROUNDING_UNITS) : 1;
  const count = Math.min(Math.max(1, wanted), policy.maxEncoders - all.length);
  const figures = roundFigures({
    demandUnits,
    limitUnits,
    homelessUnits,
    encoders: all.length,
    maxEncoders: policy.maxEncoders,
  });
  const cause =
    demandUnits > limitUnits + ROUNDING_UNITS
      ? `channels will need ${formatUnits(demandUnits)} units at P90, the limits of ${usable.length} usable encoders are ${formatUnits(limitUnits)} together`
      : `${formatUnits(homelessUnits)} units found no room on any one encoder below its limit`;
  if (count < 1) {
    draft.report({
      why: `${cause}; no encoder can be added, there are ${all.length} of at most ${policy.maxEncoders}`,
    });
    return { kind: 'none' };
  }
  return { kind: 'provision', count, reason: `${cause}; ${count} more`, figures };
};

/** Seconds that demand is expected to stay low: as far as the forecast reaches, or as long as it has been low. */
const quietSeconds = ({ context }: PlanDraft, lowForSeconds: number): number => {
  const { forecast, book } = context;
  const ahead = forecast ? (book.steps - book.firstStep) * forecast.stepSeconds : 0;
  return Math.max(ahead, lowForSeconds);
};

/**
 * Consolidation, as the concept note means it by "low load", only ever to let a whole encoder go: total demand
 * at P90 has been below `deprovisionFraction` of what the remaining encoders may carry, for the stabilisation
 * time. The encoder goes whose channels all fit elsewhere and that the fewest moves empty; of these the least
 * loaded, then least fit; and never a zone with it while there are only two. The moves must cost less than the
 * encoder saves while demand is expected to stay low. Not while anything else is wrong: an encoder silent, a
 * channel off air, a move under way or unmet.
 */
export const planScaleIn = (
  draft: PlanDraft,
  lowDemandSinceMs: number | null,
): { scale: ScaleChange; lowDemandSinceMs: number | null } => {
  const { atMs, policy, book, waiting, fitness } = draft.context;
  const staying = stayingEncoders(draft);
  const none = (since: number | null) => ({ scale: { kind: 'none' } as const, lowDemandSinceMs: since });
  if (staying.length <= policy.minEncoders) return none(null);

  const demandUnits = totalDemandUnits(draft);
  const total = sum(staying.map((e) => limitUnitsOf(draft, e)));
  const markFor = (e: number): number => policy.deprovisionFraction * (total - limitUnitsOf(draft, e));
  const candidates = staying.filter((e) => demandUnits < markFor(e));
  if (candidates.length === 0) return none(null);

  const since = lowDemandSinceMs ?? atMs;
  const lowForSeconds = (atMs - since) / 1000;
  const settled = lowForSeconds >= policy.scaleInStabilisationSeconds;
  const busy =
    staying.length < book.encoders.size ||
    waiting.length > 0 ||
    draft.unmet.length > 0 ||
    draft.moves.length > 0 ||
    book.channels.filter((c) => book.isMoving[c] === 1).length > 0;
  if (!settled || busy) return none(since);

  const perZone = new Map<number, number>();
  const zoneOf = (e: number): number => book.zoneOf[e] as number;
  for (const e of staying) perZone.set(zoneOf(e), (perZone.get(zoneOf(e)) ?? 0) + 1);
  const keepsZones = (e: number): boolean => perZone.size > 2 || (perZone.get(zoneOf(e)) ?? 0) > 1 || perZone.size < 2; // prettier-ignore
  const worthMoves = quietSeconds(draft, lowForSeconds) / Math.max(policy.handoffCostEncoderSeconds, 1e-9);
  const channelsOn = (e: number): number => (book.residentsOf[e] as number[]).length;
  const scoreOf = (e: number): number => fitness.get(book.encoders.idOf(e))?.score ?? 0;
  const inOrder = candidates
    .filter((e) => keepsZones(e) && channelsOn(e) <= worthMoves)
    .sort(
      (a, b) =>
        channelsOn(a) - channelsOn(b) ||
        (book.peakOn[a] as number) - (book.peakOn[b] as number) ||
        Math.round((scoreOf(a) - scoreOf(b)) * 1e6) ||
        book.encoders.compare(b, a),
    );
  const start = book.mark();
  for (const encoder of inOrder.slice(0, MOST_DEPARTURES_TRIED)) {
    const encoderId = book.encoders.idOf(encoder);
    const mark = markFor(encoder);
    const reason = `channels will need ${formatUnits(demandUnits)} units at P90, below ${formatUnits(mark)} (${policy.deprovisionFraction} of what the others may carry) for ${Math.round(lowForSeconds)} s; ${encoderId} can go`;
    const intents = empty(draft, encoder, policy.deprovisionFraction, {
      reason: 'consolidation',
      words: reason,
    });
    if (!intents) continue;
    schedule(draft, start);
    return {
      scale: {
        kind: 'deprovision',
        encoderId,
        reason,
        figures: roundFigures({
          demandUnits,
          markUnits: mark,
          encoders: staying.length,
          channels: intents.length,
        }),
      },
      lowDemandSinceMs: since,
    };
  }
  return none(since);
};
