import type { SagaCounts } from '../chaos/sagas';

/** What a bench tells the process that runs it as a suite of its own (bench/cluster). */
export type SuiteNews =
  | { kind: 'load-begins' }
  | { kind: 'load-ends' }
  /** What the swarm has done, just before it is stopped. */
  | { kind: 'settled'; sagas: SagaCounts; fenceFaults: string[] };

/** Whether this bench is run by another one. */
export const hasParent = (): boolean => process.send !== undefined;

/** Nothing where this bench runs by itself. */
export const tellParent = (news: SuiteNews): void => {
  process.send?.(news);
};
