import { Router } from 'express';
import { operations, type Status } from '../contracts/api';
import { retrainScheduleId } from '../domain';
import type { ModelStore } from '../models';
import type { ApiPorts } from './ports';
import { serve } from './serve';

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
  serve(router, operations.listModels, async () => {
    const [{ models, damaged }, { model }, backEnd] = await Promise.all([
      store.list(),
      store.inUse(),
      store.backEnd(),
    ]);
    return { inUse: model?.manifest.id ?? null, backEnd, models, damaged };
  });
  serve(router, operations.getModel, async ({ params }) => (await store.read(params.id)).manifest);
  serve(router, operations.retrain, async () => {
    await ports.orchestration.retrain();
    return { scheduleId: retrainScheduleId(store.cell) };
  });
  return router;
};
