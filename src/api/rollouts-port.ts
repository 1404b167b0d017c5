import { taskQueueOf } from '../config/config';
import {
  SwarmError,
  rolloutControl,
  rolloutWorkflowId,
  type RolloutDecision,
  type RolloutRequest,
  type RolloutState,
} from '../domain';
import type { TemporalCalls } from '../temporal/calls';

/** The rollout of the cell as the API asks it: the one under way, else the last one. Refuses with a SwarmError. */
export interface RolloutsPort {
  /** Answers once its waves are planned. The same requestId again: the rollout that it began. */
  start(request: RolloutRequest): Promise<RolloutState>;
  /** null where there was none yet */
  state(): Promise<RolloutState | null>;
  command(name: 'pause' | 'resume' | 'abort', requestedBy: string): Promise<void>;
  decide(decision: RolloutDecision): Promise<void>;
}

const noRollout = (): SwarmError => new SwarmError('not-found', 'There was no rollout in this cell.');
const noneRuns = (): SwarmError =>
  new SwarmError('conflict', 'No rollout is under way.', 'See encoder-swarm rollout status.');

/** @param temporal whoever can start, query and update workflows */
export const createRolloutsPort = (
  cell: string,
  temporal: Pick<TemporalCalls, 'query' | 'update' | 'updateWithStart'>,
): RolloutsPort => {
  const workflowId = rolloutWorkflowId(cell);
  const state = async (): Promise<RolloutState | null> => {
    try {
      return await temporal.query<RolloutState>(workflowId, rolloutControl.state, noRollout);
    } catch (error) {
      if (error instanceof SwarmError && error.code === 'not-found') return null;
      throw error;
    }
  };
  return {
    state,
    start: async (request) => {
      const begun = await temporal.updateWithStart<RolloutState>({
        workflowType: 'rollout',
        taskQueue: taskQueueOf(cell),
        workflowId,
        input: { cell, request },
        update: rolloutControl.begun,
        summary: `rollout of ${request.buildId}, asked for by ${request.requestedBy}`,
      });
      if (begun) return begun;
      const running = await state();
      if (running?.request.requestId === request.requestId) return running;
      throw new SwarmError(
        'conflict',
        `A rollout of ${running?.request.buildId} is under way: ${running?.phase}, ${running?.detail}.`,
        'Wait until it has ended, or abort it: encoder-swarm rollout abort.',
      );
    },
    command: (name, requestedBy) =>
      temporal.update<void>(workflowId, rolloutControl[name], { requestedBy }, noneRuns),
    decide: (decision) => temporal.update<void>(workflowId, rolloutControl.decide, decision, noneRuns),
  };
};
