import type { EnsembleFit } from './ensemble';
import { hourSteps } from './members';
import { WidthTracker } from './width-tracker';

/** Series that have not been asked for the longest are forgotten beyond so many. */
const MAX_SERIES = 20_000;

interface KeptFit {
  fit: EnsembleFit;
  /** Absolute step right after the history that it was fitted on. */
  end: number;
}

interface KeptSeries {
  /** What the fits depend on besides the history; another one forgets them. */
  shape: string;
  /** By minute of the hour of the origin, in steps: see `hourSteps`. */
  fits: Map<number, KeptFit>;
  width: WidthTracker;
}

/** Fits kept from call to call, by series. */
export class FitCache {
  private readonly bySeries = new Map<string, KeptSeries>();

  constructor(private readonly refitEverySteps: number) {}

  seriesOf(id: string, shape: string): KeptSeries {
    let kept = this.bySeries.get(id);
    if (kept?.shape !== shape) kept = { shape, fits: new Map(), width: new WidthTracker() };
    this.bySeries.delete(id);
    this.bySeries.set(id, kept);
    if (this.bySeries.size > MAX_SERIES) this.bySeries.delete(this.bySeries.keys().next().value!);
    return kept;
  }

  /** The kept fit for a history that ends before `end`, if it is young enough. */
  find({ fits }: KeptSeries, end: number, daySteps: number): EnsembleFit | null {
    const kept = fits.get(end % hourSteps(daySteps));
    if (!kept || end < kept.end || end - kept.end >= this.refitEverySteps) return null;
    return kept.fit;
  }

  keep({ fits }: KeptSeries, end: number, daySteps: number, fit: EnsembleFit): void {
    fits.set(end % hourSteps(daySteps), { fit, end });
  }
}
