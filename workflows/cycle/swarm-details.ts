import { setCurrentDetails } from '@temporalio/workflow';
import type { SwarmWorkflowState } from '../../src/domain';

/** The swarm in Temporal's UI: what it keeps, and what the last cycle decided. */
export const showSwarm = ({
  cell,
  cycle,
  channels,
  cordons,
  policy,
  provisioning,
  lastCycle,
}: SwarmWorkflowState): void => {
  const cordoned = Object.entries(cordons).map(
    ([id, { draining, by, exceptChannels = [], people }]) =>
      `${id} (${draining ? 'draining' : 'cordoned'}${exceptChannels.length > 0 ? ` but for ${exceptChannels.join(', ')}` : ''} by ${by}${people ? `, and by ${people.by}` : ''})`,
  );
  const decided = lastCycle
    ? [
        `- last cycle \`${lastCycle.workflowId}\`: forecast ${lastCycle.forecastId ?? 'none'}, ` +
          `${lastCycle.plan.moves.length} move(s), scale ${lastCycle.plan.scale.kind}` +
          (lastCycle.unreachable.length > 0 ? `, silent: ${lastCycle.unreachable.join(', ')}` : ''),
        ...lastCycle.acted.map(
          ({ what, accepted, why }) =>
            `  - ${what}: ${accepted ? 'accepted' : 'refused'}${why ? `, ${why}` : ''}`,
        ),
        ...lastCycle.plan.unmet.map(({ why }) => `  - unmet: ${why}`),
      ]
    : [];
  setCurrentDetails(
    [
      `### Swarm ${cell}, cycle ${cycle}`,
      `- channels: ${channels.map((spec) => spec.id).join(', ') || 'none'}`,
      `- cordons: ${cordoned.join(', ') || 'none'}`,
      `- limit ${policy.limitFraction} of capacity, ${policy.minEncoders} to ${policy.maxEncoders} encoders`,
      ...(provisioning && provisioning.pending.length > 0
        ? [`- encoders asked for: ${provisioning.pending.map((p) => p.zone ?? 'any zone').join(', ')}`]
        : []),
      ...decided,
    ].join('\n'),
  );
};
