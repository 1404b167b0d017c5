import { Router, type Request } from 'express';
import { z } from 'zod';
import { buildSourceSchema, digestSchema, encoderBuildSchema, idSchema, type VersionsState } from '../domain';
import { parseOrRefuse } from '../platform/http';
import { emptySchema } from './schemas';
import type { ApiPorts } from './ports';

export const addBuildSchema = z.strictObject({
  id: idSchema,
  source: buildSourceSchema,
  digest: digestSchema
    .optional()
    .describe('SHA-256 of the ffmpeg: required of a container image, else it must be the one found.'),
});
export const targetSchema = z.strictObject({
  buildId: idSchema.nullable().describe('null: no target, every encoder runs what it runs.'),
});
export const pinSchema = z.strictObject({ buildId: idSchema });
const runningSchema = z.object({
  encoderId: z.string(),
  buildDigest: z.string().nullable().describe('null: it does not answer, or does not tell.'),
  buildId: z.string().nullable().describe('null: not in the catalogue.'),
  inLine: z.boolean().nullable().describe('null: there is no target, or its build is not known.'),
});
export type RunningVersion = z.infer<typeof runningSchema>;

export const versionsSchema = z
  .object({
    cell: z.string(),
    builds: z.array(encoderBuildSchema),
    targetBuildId: z.string().nullable(),
    pins: z.record(z.string(), z.string()),
    probing: z.record(z.string(), z.object({ done: z.int(), total: z.int() })),
    probeFaults: z.record(z.string(), z.string()),
    fault: z
      .object({ encoderId: z.string(), buildId: z.string(), why: z.string(), atMs: z.number() })
      .nullable()
      .describe('Why encoders are not brought to the target any more, until it is set again.'),
    encoders: z.array(runningSchema),
  })
  .describe('Catalogue, target and pins of the cell; see docs/explanation/versions.md');

/** What every encoder says that it runs, side by side; one that does not answer holds up no other. */
const runningVersions = async (
  { fleet, encoder }: Pick<ApiPorts, 'fleet' | 'encoder'>,
  { builds, targetBuildId }: VersionsState,
): Promise<RunningVersion[]> => {
  const members = await fleet.list().catch(() => []);
  const target = builds.find((build) => build.id === targetBuildId);
  return Promise.all(
    members.map(async ({ id, grpcAddress }) => {
      const info = await encoder.describe(grpcAddress).catch(() => null);
      const digest = info?.buildDigest;
      return {
        encoderId: id,
        buildDigest: digest ?? null,
        buildId: builds.find((build) => build.digest === digest)?.id ?? null,
        inLine: digest === undefined || !target ? null : digest === target.digest,
      };
    }),
  );
};

/** Routes below /api/versions. */
export const createVersionRoutes = (ports: Pick<ApiPorts, 'versions' | 'fleet' | 'encoder'>): Router => {
  const { versions } = ports;
  const router = Router();
  const idOf = (req: Request, what: string): string => parseOrRefuse(idSchema, req.params.id, what);

  router.get('/', async (_req, res) => {
    const state = await versions.state();
    res.json({ ...state, encoders: await runningVersions(ports, state) });
  });
  router.post('/', async (req, res) => {
    const { digest, ...rest } = parseOrRefuse(addBuildSchema, req.body, 'build');
    res.status(201).json(await versions.add({ ...rest, ...(digest !== undefined && { digest }) }));
  });
  router.put('/target', async (req, res) => {
    const { buildId } = parseOrRefuse(targetSchema, req.body, 'target');
    await versions.setTarget({ buildId, requestedBy: 'operator' });
    res.json({ targetBuildId: buildId });
  });
  router.put('/pins/:id', async (req, res) => {
    const channelId = idOf(req, 'channel id');
    const { buildId } = parseOrRefuse(pinSchema, req.body, 'pin');
    await versions.pin({ channelId, buildId });
    res.json({ channelId, buildId });
  });
  router.delete('/pins/:id', async (req, res) => {
    await versions.unpin(idOf(req, 'channel id'));
    res.status(204).end();
  });
  router.post('/:id/probe', async (req, res) => {
    parseOrRefuse(emptySchema, req.body ?? {}, 'body');
    res.json(await versions.probe(idOf(req, 'build id')));
  });
  router.delete('/:id', async (req, res) => {
    await versions.remove(idOf(req, 'build id'));
    res.status(204).end();
  });
  return router;
};
