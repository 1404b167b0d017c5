import { fitnessIn } from '../cycle';
import type { CycleResult, Fitness } from '../domain';
import type { Clock } from '../platform/clock';
import { deadlinesMs, keptMs } from './deadlines';
import { KeptReading, type Reading } from './kept-reading';
import { readStoredRecord, type StoredRecords } from './stored-record';

type JudgedCycle = { cycleId: string; fitness: Fitness[] };

/**
 * The fitness of every encoder by the last cycle. Its record carries that of some only in a large swarm; the others
 * come of the snapshot that it names.
 */
export class CycleFitness {
  private readonly read: KeptReading<JudgedCycle | null>;
  private cycle: CycleResult | null = null;

  constructor(
    private readonly records: StoredRecords,
    private readonly cell: string,
    clock: Clock,
  ) {
    const terms = { keptMs: keptMs.swarm, deadlineMs: deadlinesMs.shown };
    this.read = new KeptReading('InfluxDB', () => this.judge(), terms, clock);
  }

  /** What the record carries, and for the others what is known: by an earlier cycle, where this one's is not stored. */
  async of(cycle: CycleResult | null): Promise<Reading<Fitness[]>> {
    if (!cycle?.omitted?.fitness) return { value: cycle?.fitness ?? [], readAtMs: null, fault: null };
    if (this.cycle?.workflowId !== cycle.workflowId) {
      this.cycle = cycle;
      this.read.invalidate();
    }
    const isKnown = this.read.last.value?.cycleId === cycle.workflowId;
    const { value: judged, ...reading } = isKnown ? this.read.last : await this.read.get();
    const recorded = new Set(cycle.fitness.map((f) => f.encoderId));
    const others = (judged?.fitness ?? []).filter((f) => !recorded.has(f.encoderId));
    return { ...reading, value: [...cycle.fitness, ...others] };
  }

  /** Null, or what an earlier cycle judged, where the snapshot or its forecast is not stored. */
  private async judge(): Promise<JudgedCycle | null> {
    const { records, cell, cycle } = this;
    const before = this.read.last.value;
    if (!cycle?.snapshot) return before;
    const { workflowId, snapshot, atMs } = cycle;
    const record = await readStoredRecord(records, { cell, snapshot, atMs });
    if (record === 'absent' || record === 'another') return before;
    const { forecast: named } = record;
    const forecast = named && (await records.forecast({ cell, ...named }));
    if (named && !forecast) return before;
    return { cycleId: workflowId, fitness: fitnessIn(record, forecast) };
  }
}
