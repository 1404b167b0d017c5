import { runInThread } from '../../../src/models';
import { trainingProgram } from './training-program';

const [, , folder = ''] = process.argv;

void runInThread(
  { kind: 'train', folder, seed: 7, startFrom: null },
  { program: trainingProgram, onProgress: ({ epochsDone }) => console.log(`epoch ${epochsDone}`) },
);
