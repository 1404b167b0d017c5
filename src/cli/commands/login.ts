import type { Command } from 'commander';
import { operations } from '../../contracts/api';
import { pageWithTicket } from '../../launch/where-to-look';
import { contextOf } from '../context';

export const addLogin = (program: Command): void => {
  program
    .command('login')
    .description('print an address of the page that logs a browser in, once and within minutes')
    .option(
      '--page <url>',
      'where the browser reaches the page (default: SWARM_PUBLIC_API_URL, else the API)',
    )
    .action(async (options: { page?: string }, command: Command) => {
      const { api, print } = contextOf(command);
      const { ticket, expiresInSeconds } = await api.call(operations.makeTicket, {});
      const page = options.page ?? (process.env.SWARM_PUBLIC_API_URL || api.url);
      const url = pageWithTicket(page, ticket);
      print({ url, expiresInSeconds }, () => [
        url,
        `Good for one login within ${Math.round(expiresInSeconds / 60)} minutes.`,
      ]);
    });
};
