import { renditionUnits, type CellForecast, type DemandCurve } from '../domain';
import { TotalDemand } from './capacity';
import { deservedRungs } from './demand';
import type { PlacementTable } from './placement-table';
import { toQuanta } from './quanta';

/** What each channel needs, now and at the forecast's steps, entered into a PlacementTable. */
export class ChannelNeeds {
  /** By channel id: curves that are newer than the forecast. */
  private readonly renewedUnits = new Map<string, DemandCurve>();
  /** By channel: its forecast as it is counted in the total. */
  private readonly countedCurves: (DemandCurve | undefined)[] = [];
  /** Null where the forecast has a total of its own, or there is none. */
  private readonly total: TotalDemand | null;

  constructor(
    private readonly table: PlacementTable,
    private readonly forecast: CellForecast | null,
  ) {
    this.total = forecast && !forecast.totalUnits ? new TotalDemand(forecast.horizonSteps) : null;
  }

  renew(curves: Record<string, DemandCurve>): void {
    for (const [id, curve] of Object.entries(curves)) this.renewedUnits.set(id, curve);
  }

  /** The forecast, with the demand of all channels together. */
  forecastOfTotal(): CellForecast | null {
    const { forecast, total } = this;
    return forecast && total ? { ...forecast, totalUnits: total.curve() } : forecast;
  }

  /** @param rungs to encode now; absent: as its audience deserves. Call only while the channel is not placed. */
  write(slot: number, rungs?: number): void {
    const { table, forecast } = this;
    const { steps, needs } = table;
    const channel = table.channelSeen[slot]!;
    const { spec } = channel;
    const wanted = rungs ?? deservedRungs(channel);
    const start = slot * steps;
    let now = 0;
    let encoded = 0;
    for (let rung = 0; rung < spec.ladder.length; rung++) {
      const rendition = spec.ladder[rung];
      if (!rendition || (rung >= wanted && rung >= channel.rungs)) break;
      const units = renditionUnits(rendition, spec.framesPerSecond);
      if (rung < wanted) now += units;
      if (rung < channel.rungs) encoded += units;
    }
    table.rungsOf[slot] = wanted;
    table.encodedOf[slot] = toQuanta(encoded);
    const nowQuanta = toQuanta(now);
    // A channel that the forecast doesn't know goes on as it is.
    const curve = this.renewedUnits.get(spec.id) ?? forecast?.channelUnits[spec.id];
    this.countInTotal(slot, curve);
    table.neededNow += nowQuanta - needs[start]!;
    needs[start] = nowQuanta;
    for (let k = 1; k < steps; k++) {
      const upcoming = curve?.p90[k - 1];
      needs[start + k] = upcoming === undefined ? nowQuanta : toQuanta(upcoming);
    }
    table.peakOf[slot] = table.peakBetween(needs, start);
  }

  /** A channel that has left needs nothing. Call only while it is not placed. */
  drop(slot: number, id: string): void {
    const { table } = this;
    this.countInTotal(slot, undefined);
    const start = slot * table.steps;
    table.neededNow -= table.needs[start]!;
    table.needs.fill(0, start, start + table.steps);
    this.renewedUnits.delete(id);
  }

  private countInTotal(slot: number, curve: DemandCurve | undefined): void {
    const before = this.countedCurves[slot];
    if (!this.total || before === curve) return;
    if (before) this.total.add(before, -1);
    if (curve) this.total.add(curve, 1);
    this.countedCurves[slot] = curve;
  }
}
