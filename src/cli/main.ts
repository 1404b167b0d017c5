import { reportFailure } from './failure';
import { createProgram } from './program';

// Every account of the machine can read the arguments of a process: not those with an input's secrets. Node has its copy.
const [, , COMMAND = ''] = process.argv;
process.title = /^[a-z-]+$/.test(COMMAND) ? `encoder-swarm ${COMMAND}` : 'encoder-swarm';

const json = process.argv.includes('--json');

createProgram({ json })
  .parseAsync(process.argv)
  .catch((error: unknown) => {
    process.exitCode = reportFailure(error, json);
  });
