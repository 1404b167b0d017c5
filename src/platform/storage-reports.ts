import { z } from 'zod';
import { callJson } from './http';

const TIMEOUT_MS = 800;

const healthSchema = z.object({
  storage: z.object({
    state: z.enum(['ok', 'full', 'failing']),
    sinceMs: z.number().nullable(),
    message: z.string().nullable(),
    affected: z.array(z.string()),
  }),
});

/** Whether a part of the media path can write what it must keep; see StorageStatus. */
export type StorageReport = z.infer<typeof healthSchema>['storage'] & { part: string };

/** Asks the health of parts that keep media. One that does not answer is left out: others tell of that. */
export const readStorageReports = async (urlOfPart: Record<string, string>): Promise<StorageReport[]> => {
  const reports = await Promise.all(
    Object.entries(urlOfPart).map(async ([part, url]) => {
      const health = await callJson(`${url}/healthz`, { timeoutMs: TIMEOUT_MS }).catch(() => undefined);
      const { data } = healthSchema.safeParse(health);
      return data && { part, ...data.storage };
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
