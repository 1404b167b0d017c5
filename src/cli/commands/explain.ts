import type { Command } from 'commander';
import type { Explanation } from '../../api/answer-schemas';
import { segment } from '../api-client';
import { contextOf } from '../context';

export const addExplain = (program: Command): void => {
  program
    .command('explain')
    .description('say in words why a channel was moved, and how it went')
    .argument('<subject>', 'channel (its latest move and present state) or workflow id')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm explain ch-1\n  encoder-swarm explain handoff/ch-1/7 --json',
    )
    .action(async (subject: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const path = subject.split('/').map(segment).join('/');
      const explanation = await api.get<Explanation>(`/explain/${path}`);
      print(explanation, () => explanationLines(explanation));
    });
};

const explanationLines = ({ headline, sections, url }: Explanation): string[] => [
  headline,
  ...sections.flatMap(({ title, lines }) => ['', title, ...lines.map((line) => `  ${line}`)]),
  ...(url ? ['', `In Temporal: ${url}`] : []),
];
