import type { Policy } from '../domain';

/** One way to look for an encoder of a channel that nobody encodes. */
export interface RecoveryAttempt {
  rungs: number;
  policy: Policy;
}

/** What may be filled up where a channel would else be off air: the whole capacity. */
export const filledUp = (policy: Policy): Policy => ({ ...policy, reserveFraction: 0, limitFraction: 1 });

/** What to try in turn: rather than stay off air it uses the reserve, shrinks the ladder, then fills an encoder. */
export const recoveryAttempts = (policy: Policy, rungs: number): RecoveryAttempt[] => {
  const whole = { ...policy, reserveFraction: 0 };
  const full = filledUp(policy);
  return [
    { rungs, policy },
    { rungs, policy: whole },
    { rungs: 1, policy: whole },
    { rungs, policy: full },
    { rungs: 1, policy: full },
  ];
};
