import { setCurrentDetails } from '@temporalio/workflow';
import { rolloutMetrics, type RolloutState } from '../src/domain/rollout';

const number = (value: number | null): string => (value === null ? '–' : value.toPrecision(3));

/** A rollout in Temporal's UI: where it stands, encoder by encoder, and what the verdict rests on. */
export const showRollout = (state: RolloutState): void => {
  const { phase, paused, request, encoders, verdict, failure, detail } = state;
  const done = encoders.filter(({ status }) => status === 'upgraded').length;
  setCurrentDetails(
    [
      `### Rollout of ${request.buildId}: ${phase}${paused ? ', paused' : ''}`,
      `- ${done} of ${encoders.length} encoders, asked for by ${request.requestedBy}`,
      `- now: ${detail}`,
      ...(failure ? [`- **${failure.code}**: ${failure.message}`] : []),
      ...encoders.map(
        (e) => `- ${e.wave}: ${e.encoderId} (zone ${e.zone}, was ${e.from.buildId}) **${e.status}**`,
      ),
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
