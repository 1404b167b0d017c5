import { IllegalStateError } from '@temporalio/common';
import type { Worker } from '@temporalio/worker';

/**
 * Worker.run, until the worker is shut down. At its very end the SDK may find that a last answer to the server still holds
 * the worker ("Worker still in use"), and rejects; it is let go of a moment later, and the worker has ended all the same.
 */
export const runUntilShutdown = async (worker: Worker): Promise<void> => {
  try {
    await worker.run();
  } catch (error) {
    if (!(error instanceof IllegalStateError && error.message.includes('still in use'))) throw error;
  }
};
