import type { CycleAccount } from './engine';
import type { MoveRecord } from './fleet';
import type { Demand, World } from './world';

const UNITS_TOLERANCE = 1e-6;
/** A move prevents an overload that would have begun within this time. */
const PREVENTED_WITHIN_SECONDS = 3_600;
/** Reasons of moves that are made against an overload; the others empty an encoder. */
const AGAINST_OVERLOAD = new Set(['predicted-overload', 'overload', 'ladder']);

/** What a policy was worth over the simulated time after the warm-up. */
export interface Measures {
  /** Minutes of encoders above their limit. */
  overloadedMinutes: number;
  /** Hours of encoders paid for, from the request to the end. */
  encoderHours: number;
  /** Moves from one encoder to another per channel and day on air. */
  handoffsPerChannelDay: number | null;
  /** GOPs that came late because their encoder was above its whole capacity. */
  lateGops: number;
  /** Of the moves against an overload that would have come within the hour: how many, and which share was in time. */
  movesThatPrevented: number | null;
  movesBeforeOverloadShare: number | null;
  /** From a move's end to the overload that it prevented; median, minutes. */
  leadTimeMinutes: number | null;
  /** Moves against an overload that would not have come. */
  falseMoves: number | null;
  /** Minutes of channels on air that no encoder worked on. */
  waitingMinutes: number;
  peakEncoders: number;
}

/** Adds up cycle after cycle. */
export class Accounts {
  overloadedMinutes = 0;
  encoderHours = 0;
  lateGops = 0;
  waitingMinutes = 0;
  handoffs = 0;
  peakEncoders = 0;

  constructor(
    private readonly world: World,
    private readonly limitUnits: number,
    private readonly capacityUnits: number,
    private readonly gopSeconds: number,
  ) {}

  add({ encoders, loads, paid, waiting, handoffs }: CycleAccount): void {
    const { cycleSeconds } = this.world;
    loads.forEach((load, i) => {
      if (load > this.limitUnits + UNITS_TOLERANCE) this.overloadedMinutes += cycleSeconds / 60;
      if (load > this.capacityUnits + UNITS_TOLERANCE) {
        // An encoder that is asked for more than it can give falls behind on all of its channels alike.
        const late = 1 - this.capacityUnits / load;
        this.lateGops += ((encoders[i]?.channels.size ?? 0) * cycleSeconds * late) / this.gopSeconds;
      }
    });
    this.encoderHours += (paid * cycleSeconds) / 3_600;
    this.waitingMinutes += (waiting * cycleSeconds) / 60;
    this.handoffs += handoffs;
    this.peakEncoders = Math.max(this.peakEncoders, paid);
  }
}

/** First cycle from `cycle` on at which these channels together would exceed the limit; null within the horizon. */
const overloadCycle = (
  demand: Demand,
  channels: readonly number[],
  cycle: number,
  lastCycle: number,
  limitUnits: number,
): number | null => {
  for (let at = cycle; at <= lastCycle; at++) {
    let units = 0;
    for (const c of channels) units += demand.units[c]?.[demand.rungs[c]?.[at] ?? 0] ?? 0;
    if (units > limitUnits + UNITS_TOLERANCE) return at;
  }
  return null;
};

export interface MoveJudgement {
  prevented: number;
  inTime: number;
  falseMoves: number;
  leadSeconds: number[];
}

/**
 * Judges moves against overloads by what would have been without them: the true demand of the channels that were on
 * the source, had those moved in this cycle stayed.
 */
export const judgeMoves = (
  moves: readonly MoveRecord[],
  {
    world,
    demand,
    limitUnits,
    fromCycle,
  }: { world: World; demand: Demand; limitUnits: number; fromCycle: number },
): MoveJudgement => {
  const judged: MoveJudgement = { prevented: 0, inTime: 0, falseMoves: 0, leadSeconds: [] };
  const groups = new Map<string, MoveRecord[]>();
  for (const move of moves) {
    if (move.cycle < fromCycle || !AGAINST_OVERLOAD.has(move.reason)) continue;
    const key = `${move.cycle}/${move.from}`;
    groups.set(key, [...(groups.get(key) ?? []), move]);
  }
  for (const group of groups.values()) {
    const [{ cycle, remaining }] = group as [MoveRecord];
    const last = Math.min(world.cycles - 1, cycle + PREVENTED_WITHIN_SECONDS / world.cycleSeconds);
    const stayed = [...remaining, ...group.map((move) => move.channel)];
    const overload = overloadCycle(demand, stayed, cycle, last, limitUnits);
    if (overload === null) {
      // Too near the end to know.
      if (cycle + PREVENTED_WITHIN_SECONDS / world.cycleSeconds < world.cycles)
        judged.falseMoves += group.length;
      continue;
    }
    // Begun in `cycle`, a handoff has ended when the next one begins.
    const leadSeconds = (overload - cycle - 1) * world.cycleSeconds;
    judged.prevented += group.length;
    if (leadSeconds >= 0) judged.inTime += group.length;
    judged.leadSeconds.push(...group.map(() => leadSeconds));
  }
  return judged;
};
