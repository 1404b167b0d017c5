import { availableParallelism } from 'node:os';
import { SwarmError, type MeasuredCapacity as MeasuredCapacityFigures } from '../../../domain';
import { lockFolder } from '../../../platform/folder-lock';
import type { Logger } from '../../../platform/logger';
import { pause } from '../../../platform/retry';
import type { FfmpegCapabilities } from '../ffmpeg-capabilities';
import { capacityUnitsOf, provisionalUnits, type Measurements } from './cost';
import { MEASURED_RENDITIONS, measureHost, speedsOf } from './measure';
import { MeasurementCache, thisMachine, type KeptMeasurements } from './measurement-cache';

/** While another host of this machine measures, its result is looked for as often. */
const LOOK_EVERY_MS = 500;

/** What a host can carry, in encode units. */
export interface HostCapacity {
  readonly units: number;
  /** What the host has found out of itself; absent where `units` were given, or are a guess. */
  readonly measured?: MeasuredCapacityFigures | undefined;
  /** Settles, never with an error, when `units` do not change any more. */
  readonly settled: Promise<void>;
  /** Ends a measurement under way; `settled` follows at once. */
  stop(): void;
}

/** What an operator has promised. */
export const givenCapacity = (units: number): HostCapacity => ({
  units,
  settled: Promise.resolve(),
  stop: () => undefined,
});

/** How a host measures what it can carry. */
export interface SelfMeasured {
  /** Cores that the host has for itself; absent: all of the machine. Fractions are shares of one. */
  cores?: number | undefined;
  /** Folder of the measurements of this machine, which all of its hosts share. */
  measurementsFolder: string;
}

export interface MeasuredCapacityOptions extends SelfMeasured {
  ffmpeg: FfmpegCapabilities;
  maxSessions: number;
  /** Hex SHA-256 of the ffmpeg executable. */
  buildDigest: () => Promise<string>;
  log: Logger;
  measure?: (ffmpeg: FfmpegCapabilities, signal: AbortSignal) => Promise<Measurements>;
}

/**
 * What a host has measured that it can carry. It begins with a cautious guess, looks for measurements of this build on
 * this machine, and measures where there are none. One host of a machine measures at a time; the others
 * take its result. Where nothing can be measured, the guess stays.
 */
export class MeasuredCapacity implements HostCapacity {
  units: number;
  measured?: MeasuredCapacityFigures;
  readonly settled: Promise<void>;
  private readonly abort = new AbortController();
  private readonly cache: MeasurementCache;
  private readonly cores: number;

  constructor(private readonly options: MeasuredCapacityOptions) {
    this.cores = options.cores ?? availableParallelism();
    this.units = provisionalUnits(this.cores);
    this.cache = new MeasurementCache(options.measurementsFolder);
    this.settled = this.findOut().catch((error: unknown) => {
      if (this.abort.signal.aborted) return;
      options.log.warn({ err: error, units: this.units }, 'capacity not measured, a guess stays');
    });
  }

  stop(): void {
    this.abort.abort();
  }

  private async findOut(): Promise<void> {
    const machine = thisMachine(await this.options.buildDigest());
    const { signal } = this.abort;
    for (;;) {
      const kept = await this.cache.read(machine);
      if (kept) return this.use(kept, 'kept from before');
      signal.throwIfAborted();
      const lock = await this.lockOrNull();
      if (lock === 'taken') {
        await pause(LOOK_EVERY_MS, signal);
        continue;
      }
      try {
        // Another host may have finished between the look and the lock.
        const meanwhile = await this.cache.read(machine);
        if (meanwhile) return this.use(meanwhile, 'kept from before');
        const { measure = measureHost, ffmpeg, log } = this.options;
        log.info({ ffmpeg: ffmpeg.version }, 'measures what this host can carry');
        const beganAtMs = performance.now();
        const measured = { measuredAtMs: Date.now(), measurements: await measure(ffmpeg, signal) };
        this.use(measured, `measured in ${Math.round(performance.now() - beganAtMs)} ms`);
        await this.cache
          .write(machine, measured)
          .catch((error: unknown) => log.warn({ err: error }, 'measurements not kept'));
        return;
      } finally {
        await lock?.release();
      }
    }
  }

  /** Null where the folder can't be locked: then every host measures for itself. */
  private async lockOrNull(): Promise<{ release(): Promise<void> } | 'taken' | null> {
    try {
      return await lockFolder(this.options.measurementsFolder, 'encoder host that measures itself');
    } catch (error) {
      return error instanceof SwarmError && error.code === 'conflict' ? 'taken' : null;
    }
  }

  private use(kept: KeptMeasurements, how: string): void {
    this.units = capacityUnitsOf(
      kept.measurements,
      { cores: this.cores, maxSessions: this.options.maxSessions },
      MEASURED_RENDITIONS,
    );
    this.measured = {
      units: this.units,
      measuredAtMs: kept.measuredAtMs,
      speeds: speedsOf(kept.measurements),
    };
    this.options.log.info({ units: this.units, cores: this.cores, how, ...kept.measurements }, 'capacity');
  }
}
