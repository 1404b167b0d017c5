/** A part that logs each line that it is sent, and answers it: run as a process of its own by the tests beside it. */
import { writeFileSync } from 'node:fs';
import { runPart } from '../../src/platform/lifecycle';
import { createLogger } from '../../src/platform/logger';

const log = createLogger('logging');
process.on('message', (message: { lines: number; text: string; thenThrow?: boolean }) => {
  for (let i = 0; i < message.lines; i += 1) log.info({ i }, message.text);
  // What a library prints by itself.
  process.stderr.write(`${message.text}\n`);
  process.send!('answered');
  if (message.thenThrow) throw new Error('nobody catches this');
});
runPart(log, async () => {
  if (process.env.WRITE) writeFileSync(process.env.WRITE, '');
  process.send!('started');
  return { stop: async () => log.info('stopped') };
});
