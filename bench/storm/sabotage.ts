import { setTimeout as sleep } from 'node:timers/promises';
import type { Storm } from './storm';
import type { StormSwarm } from './storm-swarm';

export type Sabotage = 'impersonation' | 'termination';

const TERMINATE_AFTER_MS = 3_000;

/** What a storm must notice. Each takes effect while the storm goes on. */
export const sabotages: Record<Sabotage, (swarm: StormSwarm, storm: Storm) => Promise<void>> = {
  /** Fenced sessions go on publishing under the new owner's name and token. */
  impersonation: async ({ standInUrl }) => {
    await fetch(`${standInUrl}/sabotage`, { method: 'POST' });
  },
  /** Someone ends a handoff in its midst, past all its compensations. */
  termination: async (_swarm, storm) => {
    void sleep(TERMINATE_AFTER_MS).then(() => storm.terminateOne());
  },
};
