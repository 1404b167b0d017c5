import { z } from 'zod';
import { encoderBuildSchema } from './builds';

/** Why synchronisation has halted. A new target, or the same one set again, lets it go on. */
const synchronisationFaultSchema = z.object({
  encoderId: z.string(),
  buildId: z.string(),
  why: z.string(),
  atMs: z.number(),
});
export type SynchronisationFault = z.infer<typeof synchronisationFaultSchema>;

/** Catalogue, target and pins of a cell. Plain JSON. */
export const versionsStateSchema = z.object({
  cell: z.string(),
  builds: z.array(encoderBuildSchema),
  targetBuildId: z
    .string()
    .nullable()
    .describe('build that every encoder should run, and that new ones begin with'),
  pins: z
    .record(z.string(), z.string())
    .describe("build by channel id; goes before a channel's own `placement.buildId`"),
  probing: z
    .record(z.string(), z.object({ done: z.int(), total: z.int() }))
    .describe('probes under way, by build id: cases done, and all'),
  probeFaults: z.record(z.string(), z.string()).describe('why the last probe of a build failed, by build id'),
  fault: synchronisationFaultSchema
    .nullable()
    .describe('why encoders are not brought to the target any more, until it is set again'),
});
export type VersionsState = z.infer<typeof versionsStateSchema>;
