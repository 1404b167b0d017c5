import { parentPort } from 'node:worker_threads';
import { SwarmError, type ErrorBody } from '../../domain';
import { makeFragment, type Fragment, type FragmentJob } from './fragment';

/** Program of the thread that makes fragments: a job in, a fragment out. */

export interface ThreadJob {
  id: number;
  job: FragmentJob;
}
export type ThreadAnswer =
  { id: number; fragment: Fragment; tookMs: number } | { id: number; error: ErrorBody['error'] };

const answer = async ({ id, job }: ThreadJob): Promise<void> => {
  const beganAtMs = performance.now();
  try {
    const fragment = await makeFragment(job);
    const tookMs = performance.now() - beganAtMs;
    const done: ThreadAnswer = { id, fragment, tookMs };
    parentPort?.postMessage(done, [fragment.init.buffer, fragment.media.buffer]);
  } catch (error) {
    const { code, message } =
      error instanceof SwarmError
        ? error
        : new SwarmError(
            'not-found',
            `This track can't stand in fragmented MP4: ${(error as Error).message}`,
          );
    const failed: ThreadAnswer = { id, error: { code, message } };
    parentPort?.postMessage(failed);
  }
};

// One after the other: each has the processor to itself, and a job's time is its cost.
let last = Promise.resolve();
parentPort?.on('message', (job: ThreadJob) => {
  last = last.then(() => answer(job));
});
