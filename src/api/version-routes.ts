import { Router, type Request } from 'express';
import { z } from 'zod';
import { buildSourceSchema, digestSchema, encoderBuildSchema, idSchema } from '../domain';
import { parseOrRefuse } from '../service/http';
import { emptySchema } from './schemas';
import type { VersionsPort } from './versions-port';

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
export const versionsSchema = z
  .object({
    cell: z.string(),
    builds: z.array(encoderBuildSchema),
    targetBuildId: z.string().nullable(),
    pins: z.record(z.string(), z.string()),
    probing: z.record(z.string(), z.object({ done: z.int(), total: z.int() })),
    probeFaults: z.record(z.string(), z.string()),
  })
  .describe('Catalogue, target and pins of the cell; see docs/versions.md');

/** Routes below /api/versions. */
export const createVersionRoutes = (versions: VersionsPort): Router => {
  const router = Router();
  const idOf = (req: Request, what: string): string => parseOrRefuse(idSchema, req.params.id, what);

  router.get('/', async (_req, res) => void res.json(await versions.state()));
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
