import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { SwarmError } from '../domain';
import { loadBackEnd } from './back-ends';
import type { ThreadAnswer, ThreadTask } from './run-in-thread';
import { TrainingFiles } from './training-files';
import { evaluate, train } from './training-task';

/** Below what the control plane and the encoders of this machine run at. */
const NICE = 10;

const answer = (message: ThreadAnswer): void => parentPort?.postMessage(message);

const perform = async (task: ThreadTask): Promise<void> => {
  // On Linux a priority is a thread's; elsewhere it would slow the whole process down.
  if (process.platform === 'linux') setPriority(NICE);
  const backEnd = await loadBackEnd(task.backEnds);
  const files = new TrainingFiles(task.folder);
  if (task.kind === 'evaluate') {
    answer({ kind: 'done', result: await evaluate(files, task.inUse) });
    return;
  }
  const { seed, startFrom } = task;
  const result = await train(files, {
    seed,
    backEnd,
    startFrom,
    onProgress: (progress) => answer({ kind: 'progress', progress }),
  });
  answer({ kind: 'done', result });
};

perform(workerData as ThreadTask).catch((error: unknown) => {
  const { message } = error as Error;
  answer({
    kind: 'failed',
    error: error instanceof SwarmError ? error.toBody().error : { code: 'internal', message },
  });
});
