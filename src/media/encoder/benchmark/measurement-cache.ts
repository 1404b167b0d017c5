import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { PRESETS } from '../../../domain';
import { makeDirectoryDurably, replaceFile } from '../../../platform/durable-file';
import type { Measurements } from './cost';

/** Counts up when other work is measured, or in another way: what was kept before no longer holds. */
const BENCHMARK_VERSION = 1;

/** What measurements hold for. */
const machineSchema = z.object({
  benchmark: z.number(),
  buildDigest: z.string().describe('hex SHA-256 of the ffmpeg executable'),
  cpuModel: z.string(),
  cores: z.number(),
});
export type MeasuredMachine = z.infer<typeof machineSchema>;

export const thisMachine = (buildDigest: string): MeasuredMachine => ({
  benchmark: BENCHMARK_VERSION,
  buildDigest,
  cpuModel: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
});

const workSchema = z.array(z.object({ pixelsPerSecond: z.number().gt(0), cores: z.number().gt(0) })).min(1);

export interface KeptMeasurements {
  /** Wall clock. */
  measuredAtMs: number;
  measurements: Measurements;
}

const keptSchema = z.object({
  measuredAtMs: z.number(),
  machine: machineSchema,
  measurements: z.object({
    encodes: z.partialRecord(z.enum(PRESETS), workSchema),
    decodes: workSchema,
    deinterlaces: workSchema,
  }),
});

/** Measurements on disk, a file per machine and build. */
export class MeasurementCache {
  constructor(readonly folder: string) {}

  /** Null where there are none, or none that can be read: they are measured again then. */
  async read(machine: MeasuredMachine): Promise<KeptMeasurements | null> {
    try {
      const kept = keptSchema.parse(JSON.parse(await readFile(this.pathOf(machine), 'utf8')));
      return { measuredAtMs: kept.measuredAtMs, measurements: kept.measurements };
    } catch {
      return null;
    }
  }

  /** @throws Error of the file system */
  async write(machine: MeasuredMachine, kept: KeptMeasurements): Promise<void> {
    await makeDirectoryDurably(this.folder);
    await replaceFile(this.pathOf(machine), `${JSON.stringify({ machine, ...kept }, null, 2)}\n`);
  }

  private pathOf(machine: MeasuredMachine): string {
    const key = createHash('sha256').update(JSON.stringify(machine)).digest('hex').slice(0, 32);
    return join(this.folder, `${key}.json`);
  }
}
