import type { EnsembleMember } from '../forecast';
import { readModel } from './model-store';
import { shippedModelFolder } from './shipped-model';

/**
 * The net that ships with the project, as a member of the ensemble, for forecasts without a swarm. Loads TensorFlow.js.
 * @throws SwarmError where the model is damaged or no back end loads; the other members do without it
 */
export const loadShippedMember = async (): Promise<{ member: EnsembleMember; backEnd: string } | null> => {
  const folder = shippedModelFolder();
  if (folder === null) return null;
  const [{ weights }, { QuantileNet, netMember }, { loadBackEnd }] = await Promise.all([
    readModel(folder),
    import('../forecast/net'),
    import('./back-ends'),
  ]);
  const { name } = await loadBackEnd();
  return { member: netMember({ net: new QuantileNet(weights), name: 'net' }), backEnd: name };
};
