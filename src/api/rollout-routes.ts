import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { operations, type Rollout } from '../contracts/api';
import { SwarmError, verdictInWords, type RolloutState } from '../domain';
import { askedBy } from '../platform/asking';
import type { RolloutsPort } from './rollouts-port';
import { serve } from './serve';

/** A rollout as the API shows it. */
const shown = (state: RolloutState): Rollout => {
  const { verdict } = state;
  return { ...state, verdict: verdict && { ...verdict, summary: verdictInWords(verdict) } };
};

/** Routes below /api/rollout. */
export const createRolloutRoutes = (rollouts: RolloutsPort): Router => {
  const router = Router();
  /** After a command there is one. */
  const present = async (): Promise<Rollout> => {
    const state = await rollouts.state();
    if (state) return shown(state);
    throw new SwarmError('conflict', 'No rollout is under way.', 'See encoder-swarm rollout status.');
  };
  serve(router, operations.getRollout, async () => {
    const state = await rollouts.state();
    return state && shown(state);
  });
  serve(router, operations.startRollout, async ({ body: { requestId = randomUUID(), ...given } }) =>
    shown(await rollouts.start({ ...given, requestId, requestedBy: askedBy() })),
  );
  const commands = {
    pause: operations.pauseRollout,
    resume: operations.resumeRollout,
    abort: operations.abortRollout,
  };
  for (const name of ['pause', 'resume', 'abort'] as const) {
    serve(router, commands[name], async () => {
      await rollouts.command(name, askedBy());
      return present();
    });
  }
  serve(router, operations.decideRollout, async ({ body: { decision } }) => {
    await rollouts.decide({ decision, requestedBy: askedBy() });
    return present();
  });
  return router;
};
