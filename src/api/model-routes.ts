import { Router } from 'express';
import { idSchema, retrainScheduleId } from '../domain';
import type { ModelStore } from '../models';
import { parseOrRefuse } from '../platform/http';
import type { Models, Status } from './answer-schemas';
import type { ApiPorts } from './ports';
import { emptySchema } from './schemas';

/** The model that forecasts use, for the status; null where there is none or its files can't be read. */
export const netStatus = async (store: ModelStore): Promise<Status['net']> => {
  try {
    const [{ model }, backEnd] = await Promise.all([store.inUse(), store.backEnd()]);
    if (!model) return null;
    const { id, trainedAtMs, scores } = model.manifest;
    return { modelId: id, trainedAtMs, pinball: scores.candidate.pinball, backEnd };
  } catch {
    return null;
  }
};

/** Routes below /models: what was trained, what is in use, and a retraining on demand. */
export const createModelRoutes = (store: ModelStore, ports: ApiPorts): Router => {
  const router = Router();
  router.get('/models', async (_req, res) => {
    const [{ models, damaged }, { model }, backEnd] = await Promise.all([
      store.list(),
      store.inUse(),
      store.backEnd(),
    ]);
    res.json({ inUse: model?.manifest.id ?? null, backEnd, models, damaged } satisfies Models);
  });
  router.get('/models/:id', async (req, res) => {
    const id = parseOrRefuse(idSchema, req.params.id, 'model id');
    res.json((await store.read(id)).manifest);
  });
  router.post('/models/retrain', async (req, res) => {
    parseOrRefuse(emptySchema, req.body ?? {}, 'body');
    await ports.orchestration.retrain();
    res.status(202).json({ scheduleId: retrainScheduleId(store.cell) });
  });
  return router;
};
