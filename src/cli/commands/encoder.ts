import type { Command } from 'commander';
import { operations } from '../../contracts/api';
import { contextOf } from '../context';
import { encoderLines } from '../views';

const changes = {
  cordon: { description: 'take no new work', done: (id: string) => `${id} takes no new work.` },
  uncordon: { description: 'take work again', done: (id: string) => `${id} takes work again.` },
  drain: {
    description: 'take no new work, and move all channels away',
    done: (id: string) => `${id} takes no new work; its channels are moved away.`,
  },
} as const;

export const addEncoder = (program: Command): void => {
  const encoder = program.command('encoder').description('list, cordon, drain and uncordon encoders');

  encoder
    .command('list')
    .description('encoders with load, forecast, limit and fitness')
    .action(async (_options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const encoders = await api.call(operations.listEncoders, {});
      print(encoders, () => encoderLines(encoders));
    });

  for (const [name, { description, done }] of Object.entries(changes) as [
    keyof typeof changes,
    (typeof changes)[keyof typeof changes],
  ][]) {
    encoder
      .command(name)
      .description(description)
      .argument('<encoder>', 'encoder to change')
      .option('--reason <text>', 'why, for the audit')
      .action(async (id: string, { reason }: { reason?: string }, command: Command) => {
        const { api, print } = contextOf(command);
        const body = reason === undefined ? {} : { reason };
        const answer = await api.call(operations[name], { params: { id }, body });
        print(answer, () => [done(id)]);
      });
  }
};
