import { z } from 'zod';
import { storageStatusSchema, type StorageStatus } from '../platform/storage-health';
import { callJson } from './call';

/** Answer of relay and origin to GET /healthz. */
export const mediaHealthSchema = z.object({
  status: z.literal('ok'),
  channels: z.int().min(0),
  storage: storageStatusSchema,
});
export type MediaHealth = z.infer<typeof mediaHealthSchema>;

/** Whether a part of the media path can write what it must keep; see StorageStatus. */
export type StorageReport = StorageStatus & { part: string };

/** Asks the health of parts that keep media. One that does not answer is left out: others tell of that. */
export const readStorageReports = async (
  urlOfPart: Record<string, string>,
  { timeoutMs }: { timeoutMs: number },
): Promise<StorageReport[]> => {
  const reports = await Promise.all(
    Object.entries(urlOfPart).map(async ([part, url]) => {
      const answer = callJson(`${url}/healthz`, mediaHealthSchema, { part, timeoutMs });
      const health = await answer.catch(() => undefined);
      return health && { part, ...health.storage };
    }),
  );
  return reports.filter((report) => report !== undefined);
};

/** A report as a sentence for an operator; undefined where all is well. */
export const storageProblem = ({ part, state, message, affected }: StorageReport): string | undefined => {
  if (state === 'ok') return undefined;
  const what = state === 'full' ? `The disk of the ${part} is full` : `The disk of the ${part} fails`;
  const effect =
    part === 'origin'
      ? 'nothing new is published until there is room; encoders hold it'
      : 'what arrives is in memory only';
  return `${what} (${affected.join(', ')}): ${effect}. ${message ?? ''}`.trim();
};

/** What others read of the collector's answer to GET /healthz. */
export const collectorHealthSchema = z.object({
  points: z.object({ buffered: z.number(), dropped: z.number() }),
  signals: z.object({ waiting: z.number() }),
});
export type CollectorHealth = z.infer<typeof collectorHealthSchema>;
