import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import { rolloutRequestSchema } from '../domain';
import { parseOrRefuse } from '../platform/http';
import type { RolloutsPort } from './rollouts-port';
import { emptySchema } from './schemas';

export const startRolloutSchema = rolloutRequestSchema
  .omit({ requestedBy: true })
  .extend({
    requestId: rolloutRequestSchema.shape.requestId
      .optional()
      .describe('Names the request: the same id twice is one request.'),
  })
  .strict();
export const decisionSchema = z.strictObject({ decision: z.enum(['continue', 'roll-back']) });
export const rolloutStateSchema = z
  .looseObject({
    phase: z.enum([
      'planning',
      'upgrading',
      'soaking',
      'holding',
      'rolling-back',
      'completed',
      'rolled-back',
      'refused',
    ]),
    paused: z.boolean(),
    encoders: z.array(
      z.looseObject({ encoderId: z.string(), zone: z.string(), wave: z.string(), status: z.string() }),
    ),
    detail: z.string(),
    startedAtMs: z.number(),
    finishedAtMs: z.number().nullable(),
  })
  .describe('RolloutState of src/domain/rollout.ts');

const OPERATOR = 'operator';

/** Routes below /api/rollout. */
export const createRolloutRoutes = (rollouts: RolloutsPort): Router => {
  const router = Router();
  router.get('/', async (_req, res) => {
    const state = await rollouts.state();
    if (state) res.json(state);
    else res.status(204).end();
  });
  router.post('/', async (req, res) => {
    const asked = parseOrRefuse(startRolloutSchema, req.body ?? {}, 'rollout');
    const { requestId = randomUUID() } = asked;
    res.status(201).json(await rollouts.start({ ...asked, requestId, requestedBy: OPERATOR }));
  });
  for (const name of ['pause', 'resume', 'abort'] as const) {
    router.post(`/${name}`, async (req, res) => {
      parseOrRefuse(emptySchema, req.body ?? {}, 'body');
      await rollouts.command(name, OPERATOR);
      res.json(await rollouts.state());
    });
  }
  router.post('/decide', async (req, res) => {
    const { decision } = parseOrRefuse(decisionSchema, req.body ?? {}, 'decision');
    await rollouts.decide({ decision, requestedBy: OPERATOR });
    res.json(await rollouts.state());
  });
  return router;
};
