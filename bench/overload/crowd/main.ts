import { getPriority } from 'node:os';
import { crowdSchema, gather } from './gathering';

/**
 * A crowd in a process of its own, so that what it costs its clients costs neither publisher nor orchestrator a turn of their
 * event loops. Its argument says what it is made of. The parent says "go" and "end"; the last message is the report.
 */
const crowd = crowdSchema.parse(JSON.parse(process.argv[2] ?? '{}'));
const ended = new AbortController();

process.on('message', (message) => {
  if (message === 'end') ended.abort();
  if (message !== 'go') return;
  const before = process.cpuUsage();
  void gather(crowd, ended.signal).then((figures) => {
    const { user, system } = process.cpuUsage(before);
    const report = { ...figures, cpuSeconds: (user + system) / 1e6, niceness: getPriority() };
    process.send!(report, () => process.exit(0));
  });
});
// Without a parent there is nothing to measure.
process.on('disconnect', () => process.exit(1));
process.send!('ready');
