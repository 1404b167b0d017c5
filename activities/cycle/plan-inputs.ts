import type { CellForecast, PlanningRecord } from '../../src/domain';
import { targetOf, type Catalogue } from '../../src/observation/versions-view';
import type { ForecastReference } from '../kit/types';

/** Null while a fault has halted the synchronisation. */
export const targetBuild = (catalogue: Catalogue): PlanningRecord['target'] => {
  const target = catalogue.fault ? null : targetOf(catalogue);
  return target && { id: target.id, digest: target.digest };
};

export const referenceTo = (forecast: CellForecast | null): ForecastReference | null => {
  if (!forecast) return null;
  const { forecastId, model, issuedAtMs } = forecast;
  return { forecastId, model, issuedAtMs };
};
