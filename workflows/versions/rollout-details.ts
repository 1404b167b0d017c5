import { setCurrentDetails } from '@temporalio/workflow';
import type { RolloutState } from '../../src/domain';
import { rolloutMetrics } from '../../src/domain/rollout-control';
import { rollbackInWords } from '../../src/domain/rollout-words';

const number = (value: number | null): string => (value === null ? '–' : value.toPrecision(3));

/** What was left as it was is the control cycle's from now on. */
export const completedInWords = ({ encoders, skipped, request }: RolloutState): string => {
  const upgraded = encoders.filter(({ status }) => status === 'upgraded').length;
  const left = skipped.map(({ encoderId, why }) => `; ${encoderId} is left as it was: it ${why}`);
  return `${upgraded} encoder(s) were brought to ${request.buildId}${left.join('')}`;
};

/** A rollout in Temporal's UI: where it stands, encoder by encoder, and what the verdict rests on. */
export const showRollout = (state: RolloutState): void => {
  const { phase, paused, request, encoders, skipped, verdict, failure, rollback, detail } = state;
  const done = encoders.filter(({ status }) => status === 'upgraded').length;
  setCurrentDetails(
    [
      `### Rollout of ${request.buildId}: ${phase}${paused ? ', paused' : ''}`,
      `- ${done} of ${encoders.length} encoders, asked for by ${request.requestedBy}`,
      `- now: ${detail}`,
      ...(rollback && rollback.kind !== 'failed'
        ? [`- **${rollback.kind}**: ${rollbackInWords(state)}`]
        : []),
      ...(failure ? [`- **${failure.code}**: ${failure.message}`] : []),
      ...encoders.map(
        (e) => `- ${e.wave}: ${e.encoderId} (zone ${e.zone}, was ${e.from.buildId}) **${e.status}**`,
      ),
      ...skipped.map(({ encoderId, why }) => `- left as it is: ${encoderId} ${why}`),
      ...(verdict
        ? [
            `- verdict: **${verdict.outcome}**, e-value ${number(verdict.eWorse)} of ${verdict.worseFrom}`,
            ...rolloutMetrics.map((name) => {
              const m = verdict.metrics[name];
              return `  - ${name}: ${number(m.newMean)} against ${number(m.oldMean)}; worse in ${m.worse} of ${m.comparisons}; e-values ${number(m.eWorse)} worse, ${number(m.eGood)} good`;
            }),
          ]
        : []),
    ].join('\n'),
  );
};
