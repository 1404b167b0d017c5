import type { Command } from 'commander';
import { readEnvironment } from '../../config/config';
import type { ReplayReport } from '../../worker/replay';
import { contextOf } from '../context';
import { AnsweredNo } from '../failure';

export const addReplay = (program: Command): void => {
  program
    .command('replay')
    .description('replay a workflow from the server against the code of this installation')
    .argument('<workflow>', 'workflow id, such as handoff/ch-1/7, channel/ch-1 or cycle/local/12')
    .option('--run <id>', 'run id (default: the latest run)')
    .addHelpText(
      'after',
      '\nReads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE. Ends with 1 where the code decides otherwise.\n' +
        '\nExamples:\n  encoder-swarm replay handoff/ch-1/7\n  encoder-swarm replay swarm/local --json',
    )
    .action(async (workflowId: string, options: { run?: string }, command: Command) => {
      const { print } = contextOf(command);
      // The worker's native part is heavy: only this command loads it.
      const [{ connectTemporal }, { quietReplay, replayFromServer }] = await Promise.all([
        import('../../temporal/client'),
        import('../../worker/replay'),
      ]);
      quietReplay();
      const temporal = await connectTemporal(readEnvironment());
      try {
        const report = await replayFromServer(temporal.client, workflowId, options.run);
        print(report, () => reportLines(report));
        if (!report.replays) throw new AnsweredNo();
      } finally {
        await temporal.close();
      }
    });
};

const reportLines = ({ workflowId, runId, workflowType, events, divergence }: ReplayReport): string[] => {
  const run = `${workflowId} (${workflowType}, run ${runId}, ${events} events)`;
  if (!divergence) return [`${run} replays: the code of this installation takes every decision as it did.`];
  const { eventId, eventType, message } = divergence;
  const where = eventId === null ? '' : ` at event ${eventId}${eventType ? ` (${eventType})` : ''}`;
  return [
    `${run} does not replay: the code of this installation decides otherwise${where}.`,
    `  ${message}`,
    '  Hint: let runs begun by the older code end on a worker of that code, or make the change replay-safe (patched).',
  ];
};
