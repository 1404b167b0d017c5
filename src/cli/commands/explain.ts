import type { Command } from 'commander';
import { operations, type Explanation } from '../../contracts/api';
import { contextOf } from '../context';

export const addExplain = (program: Command): void => {
  program
    .command('explain')
    .description('explain why a channel was moved, and how it went')
    .argument('<subject>', 'channel (its latest move and present state) or workflow id')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm explain ch-1\n  encoder-swarm explain handoff/ch-1/7 --json',
    )
    .action(async (subject: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const explanation = await api.call(operations.explain, { params: { subject } });
      print(explanation, () => explanationLines(explanation));
    });
};

const explanationLines = ({ headline, sections, url }: Explanation): string[] => [
  headline,
  ...sections.flatMap(({ title, lines }) => ['', title, ...lines.map((line) => `  ${line}`)]),
  ...(url ? ['', `In Temporal: ${url}`] : []),
];
