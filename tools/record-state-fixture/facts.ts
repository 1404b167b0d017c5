import { z } from 'zod';
import { modelsSchema, statusSchema, versionsSchema } from '../../src/contracts/api';
import { apiAuthorization } from '../../src/platform/own-identity';

/** What the state of a stopped swarm holds, as its own API reported it just before: what the next release must find in it. */
const seenSchema = z.object({
  recordedAtMs: z.number(),
  /** Number of the last control cycle; the next one has a higher number. */
  cycle: z.number(),
  channels: z.array(
    z.object({
      id: z.string(),
      ownerEncoderId: z.string(),
      /** Ownership token: grows with every owner. */
      token: z.number(),
      /** First GOP that was not on air yet. */
      nextGop: z.number(),
      /** GOPs that the origin declared lost. */
      gapsDeclared: z.number(),
    }),
  ),
  /** Ids of all encoders, those added while the swarm ran included. */
  encoders: z.array(z.string()),
  cordoned: z.array(z.string()),
  builds: z.array(z.string()),
  targetBuildId: z.string().nullable(),
  /** Build by channel. */
  pins: z.record(z.string(), z.string()),
  /** Build by encoder. */
  running: z.record(z.string(), z.string().nullable()),
  /** Ids of known events. */
  events: z.array(z.string()),
  /** The shipped model, and those that were trained, refused ones too. */
  models: z.array(z.string()),
});
export type SeenFacts = z.infer<typeof seenSchema>;

export const factsSchema = seenSchema.extend({
  /** Options of `npm start` that the swarm was started with. */
  startedWith: z.array(z.string()),
});
export type Facts = z.infer<typeof factsSchema>;

const eventsSchema = z.array(z.looseObject({ id: z.string() }));

/**
 * Asks the API of a swarm for what its state holds.
 * @throws Error where the API refuses, or a channel has no owner
 */
export const readFacts = async (apiUrl: string): Promise<SeenFacts> => {
  const read = async <T extends z.ZodType>(schema: T, path: string): Promise<z.output<T>> => {
    const answer = await fetch(`${apiUrl}/api${path}`, { headers: apiAuthorization() });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return schema.parse(await answer.json());
  };
  const [status, versions, events, { models }] = await Promise.all([
    read(statusSchema, '/status'),
    read(versionsSchema, '/versions'),
    read(eventsSchema, '/events'),
    read(modelsSchema, '/models'),
  ]);
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  return seenSchema.parse({
    recordedAtMs: status.atMs,
    cycle: status.cycle?.number,
    channels: status.channels
      .map(({ id, owner, token, nextGop, gapsDeclared }) => ({
        id,
        ownerEncoderId: owner?.encoderId,
        token,
        nextGop,
        gapsDeclared,
      }))
      .sort(byId),
    encoders: status.encoders.map(({ id }) => id).sort(),
    cordoned: status.encoders.filter(({ cordoned }) => cordoned).map(({ id }) => id),
    builds: versions.builds.map(({ id }) => id).sort(),
    targetBuildId: versions.targetBuildId,
    pins: versions.pins,
    running: Object.fromEntries(versions.encoders.map(({ encoderId, buildId }) => [encoderId, buildId])),
    events: events.map(({ id }) => id).sort(),
    models: models.map(({ id }) => id).sort(),
  });
};
