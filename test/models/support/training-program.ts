import { join } from 'node:path';
import type { ThreadProgram } from '../../../src/models';

/** Lets Node run the sources as they stand. */
export const typescriptHook = join(__dirname, '..', '..', 'cli', 'typescript-hook.cjs');

/** The training thread's program, from its TypeScript. */
export const trainingProgram: ThreadProgram = {
  path: join(__dirname, '..', '..', '..', 'src', 'models', 'training-thread.ts'),
  execArgv: ['-r', typescriptHook],
};
