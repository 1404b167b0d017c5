import type { EnsembleFit } from './ensemble';
import { hourSteps } from './members';
import { WidthTracker } from './width-tracker';

/** Beyond so many series, the least recently used are forgotten. */
const MAX_SERIES = 20_000;
/** A history of which more than this part has become known since the fit was revised: an import, say. */
const REVISED_SHARE = 0.05;

interface CachedFit {
  fit: EnsembleFit;
  /** Absolute step right after the history that it was fitted on. */
  end: number;
  /** Measured steps of that history. */
  known: number;
  /** Steps of it with a known event. */
  eventSteps: number;
}

export interface CachedSeries {
  /** What the fits depend on besides the history; another one forgets them. */
  shape: string;
  /** Spreads the steps at which series are learned again over the day. */
  phase: number;
  /** By minute of the hour of the origin, in steps: see `hourSteps`. */
  fits: Map<number, CachedFit>;
  width: WidthTracker;
}

/** A history as a fit is kept for it. */
export interface HistoryExtent {
  /** Absolute step right after it. */
  end: number;
  daySteps: number;
  steps: number;
  /** Measured ones among them. */
  known: number;
  /** Those with a known event. */
  eventSteps: number;
  /** Whether one goes on at its end. */
  amidEvent: boolean;
}

const phaseOf = (id: string): number => {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) % 1_000_003;
  return hash;
};

/** Fits kept from call to call, by series. */
export class FitCache {
  private readonly bySeries = new Map<string, CachedSeries>();

  constructor(private readonly refitEverySteps: number) {}

  seriesOf(id: string, shape: string): CachedSeries {
    let cached = this.bySeries.get(id);
    if (cached?.shape !== shape)
      cached = { shape, phase: phaseOf(id), fits: new Map(), width: new WidthTracker() };
    this.bySeries.delete(id);
    this.bySeries.set(id, cached);
    if (this.bySeries.size > MAX_SERIES) this.bySeries.delete(this.bySeries.keys().next().value!);
    return cached;
  }

  /** The kept fit for a history, if it is young enough. */
  find({ fits }: CachedSeries, { end, daySteps }: HistoryExtent): EnsembleFit | null {
    const cached = fits.get(end % hourSteps(daySteps));
    if (!cached || end < cached.end || end - cached.end >= this.refitEverySteps) return null;
    return cached.fit;
  }

  /** The kept fit, however old. */
  latest({ fits }: CachedSeries, { end, daySteps }: HistoryExtent): EnsembleFit | null {
    return fits.get(end % hourSteps(daySteps))?.fit ?? null;
  }

  /**
   * Whether the series is to be learned, for the first time or again: never done, its turn since then, its past revised, or an event over
   * that it can learn from. Turns are spread by the id, so that of a thousand series not all are learned in the same
   * step.
   */
  isDue({ fits, phase }: CachedSeries, now: HistoryExtent): boolean {
    const { end, daySteps, steps, known } = now;
    const cached = fits.get(end % hourSteps(daySteps));
    if (!cached || end < cached.end) return true;
    const turn = (step: number): number => Math.floor((step + phase) / this.refitEverySteps);
    const revised = known - cached.known > end - cached.end + REVISED_SHARE * steps;
    const eventOver = now.eventSteps > cached.eventSteps && !now.amidEvent;
    return turn(end) !== turn(cached.end) || revised || eventOver;
  }

  keep({ fits }: CachedSeries, now: HistoryExtent, fit: EnsembleFit): void {
    const { end, daySteps, known, eventSteps } = now;
    fits.set(end % hourSteps(daySteps), { fit, end, known, eventSteps });
  }
}
