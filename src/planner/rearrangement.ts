/** A small assignment to be repaired. All arrays are indexed by position here, not by slot. */
export interface RearrangementProblem {
  channels: number;
  encoders: number;
  steps: number;
  /** Units of channel c at step k: `needs[c * steps + k]`. */
  needs: Float64Array;
  /** Units at step k that encoder e carries whatever happens: `fixed[e * steps + k]`. */
  fixed: Float64Array;
  limits: Float64Array;
  /** Channels that an encoder may have besides the fixed ones. */
  mostChannels: Int32Array;
  /** May encoder e have channel c: `allowed[c * encoders + e]`. */
  allowed: Uint8Array;
  /** Encoder of each channel now. It may be one that is not allowed: then the channel must leave. */
  start: Int32Array;
  /** What moving a channel costs beside one move: breaks ties, so well below 1. */
  reluctance: Float64Array;
  zones: Int32Array;
  /** Redundancy group of each channel, or -1, and the zones that members elsewhere take: `taken[g * zoneCount + z]`. */
  groups: Int32Array;
  zoneCount: number;
  taken: Int32Array;
  /** No assignment with fewer moves exists: found, the search ends. */
  fewestMoves: number;
}

/** Violations are weighed against moves; the weight follows the search, between these. */
const LIGHTEST = 2;
const HEAVIEST = 1e4;
const WEIGHT_STEP = 1.6;
const PATIENCE = 6;
/** Fresh starts from an assignment that is within all limits, before it is taken for the best. */
const MOST_KICKS = 1;
const TENURE = 5;
const TENURE_SPREAD = 6;
/** A broken rule that is not a matter of units counts as much as this share of an encoder's limit. */
const BROKEN_RULE = 0.3;
const EPSILON = 1e-9;

interface Step {
  channel: number;
  to: number;
  /** The channel that comes the other way, or -1. */
  other: number;
  value: number;
}

/**
 * Finds an assignment within all limits that moves few channels: tabu search over single moves and swaps, where
 * broken limits are allowed at a price that rises while they last and falls while there are none (strategic
 * oscillation, Glover 1989). Deterministic, bounded by the number of iterations.
 */
export class Rearrangement {
  private readonly at: Int32Array;
  private readonly loads: Float64Array;
  private readonly counts: Int32Array;
  private readonly inZone: Int32Array;
  private readonly violations: Float64Array;
  private readonly tabuUntil: Int32Array;
  private groupViolations = 0;
  private misfits = 0;
  private moved = 0;
  private movedCost = 0;
  private randomState = 1;

  constructor(private readonly p: RearrangementProblem) {
    this.at = Int32Array.from(p.start);
    this.loads = Float64Array.from(p.fixed);
    this.counts = new Int32Array(p.encoders);
    this.inZone = Int32Array.from(p.taken);
    this.violations = new Float64Array(p.encoders);
    this.tabuUntil = new Int32Array(p.channels * p.encoders);
    for (let c = 0; c < p.channels; c++) this.enter(c, p.start[c]!);
    for (let e = 0; e < p.encoders; e++) this.violations[e] = this.violationOf(e, -1, -1);
  }

  /**
   * @param iterations most steps of the search
   * @returns encoder of each channel, or null if no assignment within all limits was found
   */
  solve(iterations: number): Int32Array | null {
    const { p } = this;
    let best: Int32Array | null = null;
    let bestCost = Infinity;
    let weight = 8;
    let feasibleFor = 0;
    let brokenFor = 0;
    let since = 0;
    let kicks = 0;
    for (let now = 1; now <= iterations; now++) {
      const broken = this.totalViolation() > EPSILON;
      if (!broken && this.movedCost < bestCost - EPSILON) {
        bestCost = this.movedCost;
        best = Int32Array.from(this.at);
        since = kicks = 0;
        if (this.moved <= p.fewestMoves) break;
      }
      feasibleFor = broken ? 0 : feasibleFor + 1;
      brokenFor = broken ? brokenFor + 1 : 0;
      if (brokenFor > PATIENCE) {
        weight = Math.min(HEAVIEST, weight * WEIGHT_STEP);
        brokenFor = 0;
      }
      if (feasibleFor > 1) weight = Math.max(LIGHTEST, weight / WEIGHT_STEP);

      if (++since > iterations / 4) {
        if (best && ++kicks > MOST_KICKS) break;
        this.kick(best);
        since = 0;
      }
      const step = this.bestStep(weight, now);
      if (step) this.take(step, now);
      else this.kick(best);
    }
    return best;
  }

  private totalViolation(): number {
    let sum = BROKEN_RULE * (this.groupViolations + this.misfits);
    for (let e = 0; e < this.p.encoders; e++) sum += this.violations[e]!;
    return sum;
  }

  /** What is wrong with an encoder's load, were one channel taken off and one put on it (-1: none). */
  private violationOf(encoder: number, off: number, on: number): number {
    const { steps, needs, limits, mostChannels } = this.p;
    const limit = limits[encoder]!;
    const start = encoder * steps;
    let peak = 0;
    for (let k = 0; k < steps; k++) {
      let units = this.loads[start + k]!;
      if (off >= 0) units -= needs[off * steps + k]!;
      if (on >= 0) units += needs[on * steps + k]!;
      if (units > peak) peak = units;
    }
    const count = this.counts[encoder]! - (off >= 0 ? 1 : 0) + (on >= 0 ? 1 : 0);
    const surplus = Math.max(0, count - mostChannels[encoder]!);
    const over = peak > limit ? (peak - limit) / Math.max(limit, 1) : 0;
    return over + BROKEN_RULE * surplus;
  }

  private groupChange(channel: number, to: number): number {
    const { groups, zones, zoneCount } = this.p;
    const group = groups[channel]!;
    if (group < 0) return 0;
    const from = zones[this.at[channel]!]!;
    const zone = zones[to]!;
    if (from === zone) return 0;
    const leaves = this.inZone[group * zoneCount + from]! > 1 ? -1 : 0;
    const joins = this.inZone[group * zoneCount + zone]! > 0 ? 1 : 0;
    return leaves + joins;
  }

  private isMisfit(channel: number, encoder: number): boolean {
    return this.p.allowed[channel * this.p.encoders + encoder] === 0;
  }

  private costAt(channel: number, encoder: number): number {
    return encoder === this.p.start[channel] ? 0 : 1 + this.p.reluctance[channel]!;
  }

  private mayGo(channel: number, to: number): boolean {
    return this.p.start[channel] === to || !this.isMisfit(channel, to);
  }

  private isTroubled(channel: number): boolean {
    const { groups, zones, zoneCount, start } = this.p;
    const encoder = this.at[channel]!;
    if (this.violations[encoder]! > EPSILON || encoder !== start[channel]) return true;
    if (this.isMisfit(channel, encoder)) return true;
    const group = groups[channel]!;
    return group >= 0 && this.inZone[group * zoneCount + zones[encoder]!]! > 1;
  }

  private bestStep(weight: number, now: number): Step | null {
    const { p, at } = this;
    let best: Step | null = null;
    const consider = (channel: number, to: number, other: number, violation: number, cost: number): void => {
      const value = weight * violation + cost;
      if (best && value > best.value + EPSILON) return;
      if (best && value > best.value - EPSILON && this.random() < 0.5) return;
      best = { channel, to, other, value };
    };
    for (let c = 0; c < p.channels; c++) {
      if (!this.isTroubled(c)) continue;
      const from = at[c]!;
      const leaving = this.violationOf(from, c, -1) - this.violations[from]!;
      const misfit = this.isMisfit(c, from) ? -1 : 0;
      for (let e = 0; e < p.encoders; e++) {
        if (e === from || !this.mayGo(c, e) || this.isTabu(c, e, now)) continue;
        const arriving = this.violationOf(e, -1, c) - this.violations[e]!;
        const rules = this.groupChange(c, e) + misfit + (this.isMisfit(c, e) ? 1 : 0);
        const cost = this.costAt(c, e) - this.costAt(c, from);
        consider(c, e, -1, leaving + arriving + BROKEN_RULE * rules, cost);
      }
      for (let d = 0; d < p.channels; d++) {
        const to = at[d]!;
        if (to === from || !this.mayGo(c, to) || !this.mayGo(d, from)) continue;
        if (this.isTabu(c, to, now) || this.isTabu(d, from, now)) continue;
        if (p.groups[c]! >= 0 && p.groups[c] === p.groups[d]) continue;
        const loads =
          this.violationOf(from, c, d) -
          this.violations[from]! +
          this.violationOf(to, d, c) -
          this.violations[to]!;
        const rules =
          this.groupChange(c, to) +
          this.groupChange(d, from) +
          misfit +
          (this.isMisfit(d, to) ? -1 : 0) +
          (this.isMisfit(c, to) ? 1 : 0) +
          (this.isMisfit(d, from) ? 1 : 0);
        const cost = this.costAt(c, to) - this.costAt(c, from) + this.costAt(d, from) - this.costAt(d, to);
        consider(c, to, d, loads + BROKEN_RULE * rules, cost);
      }
    }
    return best;
  }

  private isTabu(channel: number, encoder: number, now: number): boolean {
    return this.tabuUntil[channel * this.p.encoders + encoder]! > now;
  }

  private take({ channel, to, other }: Step, now: number): void {
    const from = this.at[channel]!;
    this.shift(channel, to, now);
    if (other >= 0) this.shift(other, from, now);
  }

  /** Moves one channel; it does not come back for some iterations. */
  private shift(channel: number, to: number, now: number): void {
    const from = this.at[channel]!;
    const tenure = TENURE + Math.floor(this.random() * TENURE_SPREAD);
    this.tabuUntil[channel * this.p.encoders + from] = now + tenure;
    this.leave(channel);
    this.enter(channel, to);
    this.violations[from] = this.violationOf(from, -1, -1);
    this.violations[to] = this.violationOf(to, -1, -1);
  }

  /** Away from where the search is stuck: back to the best, then a few moves at random. */
  private kick(best: Int32Array | null): void {
    const { p } = this;
    for (let c = 0; c < p.channels; c++) {
      const to = (best ?? p.start)[c]!;
      if (to !== this.at[c]) this.shift(c, to, 0);
    }
    this.tabuUntil.fill(0);
    for (let i = 0; i < 4; i++) {
      const c = Math.floor(this.random() * p.channels);
      const e = Math.floor(this.random() * p.encoders);
      if (e !== this.at[c] && this.mayGo(c, e)) this.shift(c, e, 0);
    }
  }

  private enter(channel: number, encoder: number): void {
    const { p } = this;
    this.at[channel] = encoder;
    for (let k = 0; k < p.steps; k++) {
      const i = encoder * p.steps + k;
      this.loads[i]! += p.needs[channel * p.steps + k]!;
    }
    this.counts[encoder]! += 1;
    if (encoder !== p.start[channel]) this.moved += 1;
    this.movedCost += this.costAt(channel, encoder);
    if (this.isMisfit(channel, encoder)) this.misfits += 1;
    this.countInZone(channel, encoder, 1);
  }

  private leave(channel: number): void {
    const { p } = this;
    const encoder = this.at[channel]!;
    for (let k = 0; k < p.steps; k++) {
      const i = encoder * p.steps + k;
      this.loads[i]! -= p.needs[channel * p.steps + k]!;
    }
    this.counts[encoder]! -= 1;
    if (encoder !== p.start[channel]) this.moved -= 1;
    this.movedCost -= this.costAt(channel, encoder);
    if (this.isMisfit(channel, encoder)) this.misfits -= 1;
    this.countInZone(channel, encoder, -1);
  }

  private countInZone(channel: number, encoder: number, change: 1 | -1): void {
    const { groups, zones, zoneCount } = this.p;
    const group = groups[channel]!;
    if (group < 0) return;
    const i = group * zoneCount + zones[encoder]!;
    const before = this.inZone[i]!;
    this.inZone[i] = before + change;
    // Members of a group beyond the first in a zone are one violation each.
    this.groupViolations += Math.max(0, before + change - 1) - Math.max(0, before - 1);
  }

  /** Park and Miller's generator: the same problem gives the same search. */
  private random(): number {
    this.randomState = (this.randomState * 48_271) % 2_147_483_647;
    return this.randomState / 2_147_483_647;
  }
}
