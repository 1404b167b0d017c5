import { z } from 'zod';
import { storageStatusSchema, type StorageStatus } from '../platform/storage-health';
import { callJson } from './call';

/** Something that a part found on its disk and can't use; the rest goes on without it. */
export const damageSchema = z.object({
  /** What is affected, such as a channel id. */
  what: z.string(),
  /** The file, and what is wrong with it. */
  message: z.string(),
  hint: z.string(),
});
export type Damage = z.infer<typeof damageSchema>;

/** The process of an origin that answers players. */
export const playerProcessSchema = z.object({
  /** `starting`: it does not answer yet, or has ended and is started again. */
  state: z.enum(['up', 'starting']),
  /** Null: none runs. */
  pid: z.int().nullable(),
  /** How often it was started again since the origin was. */
  restarts: z.int().min(0),
});
export type PlayerProcessHealth = z.infer<typeof playerProcessSchema>;

/** Answer of source, relay and origin to GET /healthz; collector and worker answer this and more. */
export const mediaHealthSchema = z.object({
  status: z.literal('ok'),
  channels: z.int().min(0),
  storage: storageStatusSchema,
  damaged: z.array(damageSchema).default([]),
  /** Of an origin that has one. */
  players: playerProcessSchema.optional(),
});
export type MediaHealth = z.infer<typeof mediaHealthSchema>;

/** Of a part of the media path. */
export const mediaHealthOf = (
  channels: { list(): readonly unknown[]; damaged: Damage[] },
  storage: { status: StorageStatus },
): MediaHealth => ({
  status: 'ok',
  channels: channels.list().length,
  storage: storage.status,
  damaged: channels.damaged,
});

/** Points that a database refuses come again with each poll, step or forecast: after this there are none any more. */
const REFUSAL_TOLD_MS = 60_000;

/** Of a part that keeps nothing itself, and writes measurements: what InfluxDB refused of them lately. */
export const healthOfPoints = (
  refused: { atMs: number; message: string; hint: string } | null,
  nowMs: number,
): Omit<MediaHealth, 'status'> => {
  const isRecent = refused !== null && nowMs - refused.atMs < REFUSAL_TOLD_MS;
  const what = 'measurements that InfluxDB refuses';
  return {
    ...{ channels: 0, storage: { state: 'ok', sinceMs: null, message: null, affected: [] } },
    damaged: isRecent ? [{ what, message: refused.message, hint: refused.hint }] : [],
  };
};

/** Whether a part of the media path can write what it must keep, and read what it kept; see StorageStatus. */
export type StorageReport = StorageStatus & {
  part: string;
  damaged: readonly Damage[];
  /** One of several, which have names of their own. */
  replicaOf?: ReplicatedPart;
  /** Such a one does not answer; the others have what it has. */
  isAway?: boolean;
};

/** A part of which there may be several. */
export type ReplicatedPart = 'relay' | 'origin';

/**
 * Asks the health of parts that keep media. One that does not answer is left out: others tell of that. Of several replicas,
 * nobody else does.
 */
export const readStorageReports = async (
  urlOfPart: Record<string, string>,
  { timeoutMs, replicas = {} }: { timeoutMs: number; replicas?: Readonly<Record<string, ReplicatedPart>> },
): Promise<StorageReport[]> => {
  const reports = await Promise.all(
    Object.entries(urlOfPart).map(async ([part, url]) => {
      const answer = callJson(`${url}/healthz`, mediaHealthSchema, { part, timeoutMs });
      const health = await answer.catch(() => undefined);
      const replicaOf = replicas[part];
      const who = { part, ...(replicaOf && { replicaOf }) };
      if (health) return { ...who, ...health.storage, damaged: health.damaged };
      const unknown = { state: 'ok' as const, sinceMs: null, message: null, affected: [], damaged: [] };
      return replicaOf && { ...who, ...unknown, isAway: true };
    }),
  );
  return reports.filter((report) => report !== undefined);
};

/** A report as sentences for an operator; none where all is well. */
export const storageProblems = (report: StorageReport): string[] => [
  ...(report.isAway ? [`${report.part} does not answer: the others go on without it.`] : []),
  ...(report.state === 'ok' ? [] : [writeProblem(report)]),
  ...report.damaged.map(
    ({ what, message, hint }) => `The ${report.part} goes on without ${what}: ${message} ${hint}`,
  ),
];

const WRITE_EFFECTS: Partial<Record<string, string>> = {
  origin: 'nothing new is published until there is room; encoders hold it',
  relay: 'what arrives is in memory only',
};
const EFFECT_AT_ONE_ORIGIN = 'the other origins go on with what it shares; one more that fails stops that';

const writeProblem = ({ part, replicaOf, state, message, affected }: StorageReport): string => {
  const what = state === 'full' ? `The disk of the ${part} is full` : `The disk of the ${part} fails`;
  const effect =
    replicaOf === 'origin'
      ? EFFECT_AT_ONE_ORIGIN
      : (WRITE_EFFECTS[replicaOf ?? part] ?? 'what is new is not kept over a restart');
  return `${what} (${affected.join(', ')}): ${effect}. ${message ?? ''}`.trim();
};

/** What others read of the collector's answer to GET /healthz. */
export const collectorHealthSchema = z.object({
  points: z.object({ buffered: z.number(), dropped: z.number() }),
  signals: z.object({ waiting: z.number() }),
});
export type CollectorHealth = z.infer<typeof collectorHealthSchema>;
