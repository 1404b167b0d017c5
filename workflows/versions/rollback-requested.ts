import type { Rollback } from '../../src/domain';

/** Ends what a rollout does: it goes back, for this reason. Never leaves the workflow. */
export class RollbackRequested extends Error {
  override readonly name = 'RollbackRequested';

  constructor(readonly rollback: Rollback) {
    super(rollback.kind);
  }
}
