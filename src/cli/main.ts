import { reportFailure } from './failure';
import { createProgram } from './program';

const json = process.argv.includes('--json');

createProgram({ json })
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    process.exitCode = reportFailure(error, json);
  });
