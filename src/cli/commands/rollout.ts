import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { operations } from '../../contracts/api';
import {
  SwarmError,
  isOver,
  rollbackInWords,
  rolloutMetrics,
  sentence,
  verdictInWords,
  type RolloutState,
} from '../../domain';
import { table } from '../../platform/terminal/table';
import { contextOf, type CommandContext } from '../context';
import { AnsweredNo } from '../failure';
import { createRolloutProgress } from '../rollout-progress';

const POLL_MS = 1_000;
const SILENT_AT_MOST_MS = 120_000;

const positive = (text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Write a number above 0.');
};

interface StartOptions {
  wait: boolean;
  canaryShare?: number;
  soakSeconds?: number;
  askAfterSeconds?: number;
  encodersAtOnce?: number;
}

export const addRollout = (program: Command): void => {
  const rollout = program
    .command('rollout')
    .description('roll a build out to all encoders under full load, and back if it is worse');

  rollout
    .command('start')
    .description('begin: canary, then the least fit encoders, then the rest; waits for the end')
    .argument('<build>', 'build of the catalogue, see encoder-swarm version list')
    .option('--no-wait', 'return once the waves are planned')
    .option(
      '--canary-share <fraction>',
      'largest part of all channels on the canary (default 0.25)',
      positive,
    )
    .option(
      '--soak-seconds <seconds>',
      'time for which each encoder is watched at least (default 20)',
      positive,
    )
    .option(
      '--ask-after-seconds <seconds>',
      'without a verdict by then, hold and ask (default 180)',
      positive,
    )
    .option('--encoders-at-once <number>', 'encoders of one zone side by side (default 1)', positive)
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm rollout start ffmpeg-7\n  encoder-swarm rollout start ffmpeg-7 --no-wait --json\n  encoder-swarm rollout start ffmpeg-7 --soak-seconds 600 --ask-after-seconds 3600',
    )
    .action(async (buildId: string, options: StartOptions, command: Command) => {
      const { wait, canaryShare, soakSeconds, askAfterSeconds, encodersAtOnce } = options;
      const policy = { canaryShare, soakSeconds, askAfterSeconds, encodersAtOnce };
      const context = contextOf(command);
      const begun = await context.api.call(operations.startRollout, { body: { buildId, policy } });
      report(context, (wait && (await follow(context))) || begun);
    });

  rollout
    .command('status')
    .description('where the rollout under way stands, or how the last one ended')
    .option('--watch', 'stay until it ends or asks')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm rollout status\n  encoder-swarm rollout status --watch',
    )
    .action(async ({ watch }: { watch?: boolean }, command: Command) => {
      const context = contextOf(command);
      const state = watch ? await follow(context) : await context.api.call(operations.getRollout, {});
      context.print(state, () => (state ? rolloutLines(state) : ['There was no rollout yet.']));
    });

  const commands = [
    ['pause', operations.pauseRollout, 'begin no further encoder'],
    ['resume', operations.resumeRollout, 'go on after a pause'],
    ['abort', operations.abortRollout, 'undo all that was done, the last encoder first'],
  ] as const;
  for (const [name, operation, description] of commands) {
    rollout
      .command(name)
      .description(description)
      .addHelpText('after', `\nExample:\n  encoder-swarm rollout ${name}`)
      .action(async (_options: unknown, command: Command) => {
        const { api, print } = contextOf(command);
        const state = await api.call(operation, {});
        print(state, () => rolloutLines(state));
      });
  }

  rollout
    .command('decide')
    .description('answer a rollout that holds because it could not tell better from worse in time')
    .argument('<decision>', 'continue or roll-back')
    .addHelpText(
      'after',
      '\nExamples:\n  encoder-swarm rollout decide continue\n  encoder-swarm rollout decide roll-back',
    )
    .action(async (decision: string, _options: unknown, command: Command) => {
      const { api, print } = contextOf(command);
      const state = await api.call(operations.decideRollout, {
        // The API says what is wrong with any other word.
        body: { decision: decision as 'continue' | 'roll-back' },
      });
      print(state, () => rolloutLines(state));
    });
};

const isPassing = (error: unknown): boolean =>
  error instanceof SwarmError && ['unavailable', 'timeout'].includes(error.code);

/**
 * Until it has ended, or waits for people. A rollout continues when Temporal or a worker restarts, and so does this.
 * @throws SwarmError when there was no answer for SILENT_AT_MOST_MS
 */
const follow = async ({ api, json }: CommandContext): Promise<RolloutState | null> => {
  const progress = createRolloutProgress({ hidden: json });
  let answeredAtMs = Date.now();
  try {
    for (;;) {
      try {
        const state = await api.call(operations.getRollout, {});
        answeredAtMs = Date.now();
        if (!state) return null;
        progress.show(state);
        if (isOver(state) || state.phase === 'holding') return state;
      } catch (error) {
        if (!isPassing(error) || Date.now() - answeredAtMs > SILENT_AT_MOST_MS) throw error;
      }
      await sleep(POLL_MS);
    }
  } finally {
    progress.stop();
  }
};

const report = ({ print }: CommandContext, state: RolloutState): void => {
  print(state, () => rolloutLines(state));
  if (state.phase === 'rolled-back' || state.phase === 'holding') throw new AnsweredNo();
};

const figure = (value: number | null): string | null => (value === null ? null : value.toPrecision(3));

export const rolloutLines = (state: RolloutState): string[] => {
  const { request, phase, paused, encoders, skipped, canaryChannels, verdict, detail, failure, rollback } =
    state;
  const seconds = Math.round(((state.finishedAtMs ?? Date.now()) - state.startedAtMs) / 1000);
  return [
    `Rollout of ${request.buildId}: ${phase}${paused ? ', paused' : ''}, ${seconds} s. ${sentence(detail)}`,
    ...(rollback && rollback.kind !== 'failed'
      ? [`! ${rollback.kind}: ${sentence(rollbackInWords(state))}`]
      : []),
    ...(failure ? [`! ${failure.code}: ${failure.message}`] : []),
    ...(phase === 'holding' ? ['! It asks: encoder-swarm rollout decide continue|roll-back'] : []),
    '',
    ...table(
      ['wave', 'encoder', 'zone', 'was', 'status'],
      encoders.map((e) => [e.wave, e.encoderId, e.zone, e.from.buildId, e.status]),
    ),
    ...skipped.map(({ encoderId, why }) => `  ${encoderId} is left as it is: it ${why}`),
    ...(canaryChannels.length > 0 ? [`  The canary carries ${canaryChannels.join(', ')}.`] : []),
    ...(verdict
      ? [
          '',
          `Verdict: ${sentence(verdictInWords(verdict))}`,
          ...table(
            ['metric', 'compared', 'worse', 'new', 'old', 'e worse', 'e good'],
            rolloutMetrics.map((name) => {
              const m = verdict.metrics[name];
              return [
                ...[name, m.comparisons, m.worse, figure(m.newMean), figure(m.oldMean)],
                ...[figure(m.eWorse), figure(m.eGood)],
              ];
            }),
          ),
          `  Worse from a mean "e worse" of ${verdict.worseFrom} on (now ${figure(verdict.eWorse)}), good from ${verdict.goodFrom} in each metric.`,
        ]
      : []),
  ];
};
