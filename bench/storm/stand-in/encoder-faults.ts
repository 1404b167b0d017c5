import { seededRandom } from '../../../src/domain';
import { hashOf } from './gop-clock';

/**
 * What goes wrong with one session of a simulated encoder:
 * - full: refused when it is prepared;
 * - dies-at-commit: fails when it is committed;
 * - dies-silently: says that it publishes, and fails before it has;
 * - slow-commit: does what it is asked, and answers after the caller's deadline.
 */
export type SessionFault = 'none' | 'full' | 'dies-at-commit' | 'dies-silently' | 'slow-commit';

/** Share of sessions that meet each fault. */
const FAULT_SHARE = 0.01;
const faults = ['full', 'dies-at-commit', 'dies-silently', 'slow-commit'] as const;

/**
 * The fault of a session, decided by the seed and by which move of which channel it is for: its name without the
 * run's own suffix.
 */
export const faultOf = (seed: number, sessionId: string): SessionFault => {
  const move = sessionId.replace(/-[^-]*$/, '');
  const chance = seededRandom(hashOf(`${seed}/${move}`))();
  return faults[Math.floor(chance / FAULT_SHARE)] ?? 'none';
};
