import type { Command } from 'commander';
import { operations } from '../../contracts/api';
import { wholeNumberOption } from '../../platform/terminal/number-option';
import { table } from '../../platform/terminal/table';
import { contextOf } from '../context';

const MOST = 1_000;

export const addAudit = (program: Command): void => {
  program
    .command('audit')
    .description('show who asked for what, when and why, the latest first')
    .option('--limit <number>', 'entries to show', wholeNumberOption(1, MOST), 20)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const { api, print } = contextOf(command);
      const entries = await api.call(operations.getAudit, { query: { limit } });
      print(entries, () =>
        table(
          ['when', 'who', 'role', 'asked for', 'about', 'why', 'outcome'],
          entries.map((entry) => [
            new Date(entry.atMs).toISOString(),
            entry.by,
            entry.role,
            entry.command,
            entry.about ?? '',
            entry.reason ?? '',
            entry.outcome,
          ]),
        ),
      );
    });
};
