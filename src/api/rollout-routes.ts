import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { operations } from '../contracts/api';
import { SwarmError, type RolloutState } from '../domain';
import type { RolloutsPort } from './rollouts-port';
import { serve } from './serve';

const OPERATOR = 'operator';

/** Routes below /api/rollout. */
export const createRolloutRoutes = (rollouts: RolloutsPort): Router => {
  const router = Router();
  /** After a command there is one. */
  const present = async (): Promise<RolloutState> => {
    const state = await rollouts.state();
    if (state) return state;
    throw new SwarmError('conflict', 'No rollout is under way.', 'See encoder-swarm rollout status.');
  };
  serve(router, operations.getRollout, () => rollouts.state());
  serve(router, operations.startRollout, ({ body: { requestId = randomUUID(), ...asked } }) =>
    rollouts.start({ ...asked, requestId, requestedBy: OPERATOR }),
  );
  const commands = {
    pause: operations.pauseRollout,
    resume: operations.resumeRollout,
    abort: operations.abortRollout,
  };
  for (const name of ['pause', 'resume', 'abort'] as const) {
    serve(router, commands[name], async () => {
      await rollouts.command(name, OPERATOR);
      return present();
    });
  }
  serve(router, operations.decideRollout, async ({ body: { decision } }) => {
    await rollouts.decide({ decision, requestedBy: OPERATOR });
    return present();
  });
  return router;
};
