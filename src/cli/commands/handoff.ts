import { InvalidArgumentError, type Command } from 'commander';
import { operations } from '../../contracts/api';
import type { MoveResult } from '../../domain';
import { contextOf } from '../context';
import { AnsweredNo } from '../failure';

const parseRungs = (text: string): number => {
  if (/^[1-8]$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a number from 1 to 8.');
};

export const addHandoff = (program: Command): void => {
  program
    .command('handoff')
    .description('move a running channel to another encoder, without a lost frame')
    .argument('<channel>', 'channel to move')
    .argument('[encoder]', 'target; without it the fittest encoder with room is chosen')
    .option('--rungs <number>', 'rungs of the ladder to encode after the move', parseRungs)
    .option('--reason <text>', 'why, for the audit')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm handoff ch-1\n  encoder-swarm handoff ch-1 enc-2 --json',
    )
    .action(
      async (
        channel: string,
        encoder: string | undefined,
        options: { rungs?: number; reason?: string },
        command: Command,
      ) => {
        const { api, print } = contextOf(command);
        const result = await api.call(operations.handoff, {
          params: { id: channel },
          body: {
            ...(encoder !== undefined && { encoderId: encoder }),
            ...(options.rungs !== undefined && { rungs: options.rungs }),
            ...(options.reason !== undefined && { reason: options.reason }),
          },
        });
        print(result, () => handoffLines(result));
        if (result.outcome !== 'completed') throw new AnsweredNo();
      },
    );
};

const handoffLines = (result: MoveResult): string[] => {
  const { channelId, fromEncoderId, toEncoderId, ownerEncoderId, outcome } = result;
  const { requestedAtMs, committedAtMs, overlapGops } = result;
  if (outcome !== 'completed') {
    return [
      `${channelId}: ${outcome}. ${result.failure?.message ?? ''}`.trim(),
      `Owner: ${ownerEncoderId ?? 'none'}. See: encoder-swarm explain ${result.workflowId}`,
    ];
  }
  return [
    `${channelId} moved${fromEncoderId === null ? '' : ` from ${fromEncoderId}`} to ${toEncoderId ?? ownerEncoderId ?? 'another encoder'} at GOP ${result.firstGop ?? '?'}.`,
    [
      committedAtMs === null ? null : `Request to commit ${Math.round(committedAtMs - requestedAtMs)} ms`,
      overlapGops === null ? null : `overlap ${overlapGops.toFixed(1)} GOPs`,
      `token ${result.token}`,
      `workflow ${result.workflowId}`,
    ]
      .filter(Boolean)
      .join(', ') + '.',
  ];
};
