import { z } from 'zod';
import { isDiskFull } from './durable-file';
import type { Logger } from './logger';

/** Whether a part can write what it must keep. Times: wall clock, milliseconds since 1970. */
export const storageStatusSchema = z.object({
  state: z.enum(['ok', 'full', 'failing']),
  /** Since when it can't; null while it can. */
  sinceMs: z.number().nullable(),
  /** What the file system said last; null while it can write. */
  message: z.string().nullable(),
  /** What can't be written now, such as channel ids. */
  affected: z.array(z.string()),
});
export type StorageStatus = z.infer<typeof storageStatusSchema>;

/** Remembers which writers of a part the disk refuses, and says so once when it begins and once when it ends. */
export class StorageHealth {
  private readonly refused = new Map<string, unknown>();
  private sinceMs: number | null = null;

  constructor(private readonly log: Logger) {}

  failed(writer: string, error: unknown): void {
    if (!this.refused.has(writer))
      this.log.error({ err: error, writer }, isDiskFull(error) ? 'the disk is full' : 'the disk refuses');
    this.refused.set(writer, error);
    this.sinceMs ??= Date.now();
  }

  succeeded(writer: string): void {
    if (!this.refused.delete(writer)) return;
    this.log.info({ writer }, 'the disk takes what is written again');
    if (this.refused.size === 0) this.sinceMs = null;
  }

  get status(): StorageStatus {
    const errors = [...this.refused.values()];
    if (errors.length === 0) return { state: 'ok', sinceMs: null, message: null, affected: [] };
    return {
      state: errors.some(isDiskFull) ? 'full' : 'failing',
      sinceMs: this.sinceMs,
      message: (errors.at(-1) as Error).message,
      affected: [...this.refused.keys()].sort(),
    };
  }
}
