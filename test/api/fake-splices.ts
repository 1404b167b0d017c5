import { SwarmError } from '../../src/domain';
import { SplicePlan } from '../../src/media/relay/splice-plan';
import type { PartClients } from '../../src/observation/part-clients';
import { partClients } from '../support/part-clients';

/** A relay whose channels stand at second 10, and take splices. */
export const fakeSplices = (channels: ReadonlyMap<string, unknown>): PartClients['relay'] => {
  const plans = new Map<string, SplicePlan>();
  return {
    ...partClients().relay,
    splice: async (id, request) => {
      if (!channels.has(id))
        throw new SwarmError(
          'unknown-channel',
          `The relay knows no channel ${id}.`,
          'Add the channel first.',
        );
      const plan = plans.get(id) ?? new SplicePlan();
      plans.set(id, plan);
      return plan.ask(request, { nowTicks: 900_000, openTicks: 900_000 }, Date.now());
    },
  };
};
