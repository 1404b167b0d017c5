import { extname, join } from 'node:path';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { BackEndName } from '../contracts/model-manifest';
import { SwarmError, type ErrorBody } from '../domain';
import type { Evaluation, StartingPoint, TrainingProgress, TrainingResult } from './training-task';

interface TaskOf<K extends string> {
  kind: K;
  /** Folder of the run's files. */
  folder: string;
  /** Back ends to try; absent: all. */
  backEnds?: BackEndName[];
}
export type TrainTask = TaskOf<'train'> & { seed: number; startFrom: StartingPoint | null };
export type EvaluateTask = TaskOf<'evaluate'> & { inUse: StartingPoint | null };
export type ThreadTask = TrainTask | EvaluateTask;

export type ThreadAnswer =
  | { kind: 'progress'; progress: TrainingProgress }
  | { kind: 'done'; result: TrainingResult | Evaluation }
  | { kind: 'failed'; error: ErrorBody['error'] };

/** Program of the thread, and how Node is to run it. */
export interface ThreadProgram {
  path: string;
  execArgv?: string[];
}

/** Beside this file, compiled or not. */
const trainingThread: ThreadProgram = { path: join(__dirname, `training-thread${extname(__filename)}`) };

export interface ThreadOptions {
  onProgress?: (progress: TrainingProgress) => void;
  /** Ends the thread at once, during a computation too. */
  signal?: AbortSignal;
  program?: ThreadProgram;
}

/**
 * Trains or evaluates in a thread of its own, so that this one goes on answering: an epoch would hold its event loop
 * for seconds. The thread has ended when this settles.
 * @throws SwarmError of the task; `signal.reason` once cancelled; internal where the thread ended without an answer
 */
export function runInThread(task: TrainTask, options?: ThreadOptions): Promise<TrainingResult>;
export function runInThread(task: EvaluateTask, options?: ThreadOptions): Promise<Evaluation>;
export async function runInThread(
  task: ThreadTask,
  { onProgress, signal, program = trainingThread }: ThreadOptions = {},
): Promise<TrainingResult | Evaluation> {
  signal?.throwIfAborted();
  const { path, execArgv } = program;
  const thread = new Worker(path, { workerData: task, env: SHARE_ENV, ...(execArgv && { execArgv }) });
  const end = (): void => void thread.terminate();
  signal?.addEventListener('abort', end, { once: true });
  let answer: Exclude<ThreadAnswer, { kind: 'progress' }> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      thread.on('message', (message: ThreadAnswer) => {
        if (message.kind === 'progress') onProgress?.(message.progress);
        else answer = message;
      });
      thread.once('error', reject);
      thread.once('exit', () => resolve());
    });
  } finally {
    signal?.removeEventListener('abort', end);
  }
  signal?.throwIfAborted();
  if (answer?.kind === 'done') return answer.result;
  if (answer?.kind === 'failed') {
    const { code, message, hint, details } = answer.error;
    throw new SwarmError(code, message, hint, details);
  }
  throw new SwarmError('internal', 'The training thread ended without an answer.');
}
