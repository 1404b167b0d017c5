import type { RolloutCommand, RolloutDecision, RolloutState } from '../../src/domain';
import { refusal } from '../kit/failures';
import { requireText } from '../kit/validation';

/** Validators of a rollout's Updates: synchronous, as all are. */

const notNow = (state: RolloutState, what: string): Error =>
  refusal(
    'conflict',
    `The rollout of ${state.request.buildId} can't be ${what}: it is ${state.phase}${state.paused ? ', paused' : ''}.`,
    'See encoder-swarm rollout status.',
  );

const canStillTurn = ({ phase }: RolloutState): boolean =>
  phase === 'upgrading' || phase === 'soaking' || phase === 'holding';

export const validatePause = (state: RolloutState, command: RolloutCommand | undefined): void => {
  requireText(command?.requestedBy, 'requestedBy');
  if (state.paused || !canStillTurn(state)) throw notNow(state, 'paused');
};

export const validateResume = (state: RolloutState, command: RolloutCommand | undefined): void => {
  requireText(command?.requestedBy, 'requestedBy');
  if (!state.paused || !canStillTurn(state)) throw notNow(state, 'resumed');
};

export const validateAbort = (state: RolloutState, command: RolloutCommand | undefined): void => {
  requireText(command?.requestedBy, 'requestedBy');
  if (!canStillTurn(state)) throw notNow(state, 'aborted');
};

export const validateDecide = (state: RolloutState, decision: RolloutDecision | undefined): void => {
  requireText(decision?.requestedBy, 'requestedBy');
  if (decision?.decision !== 'continue' && decision?.decision !== 'roll-back') {
    throw refusal('bad-request', 'The decision must be continue or roll-back.');
  }
  if (state.phase !== 'holding') throw notNow(state, 'decided');
};
