import { setCurrentDetails } from '@temporalio/workflow';
import type { CarriedSwarm } from '../../src/domain';
import type { ChannelList } from './channel-list';

/** The UI shows a line of them; all are in the answers to `channels`. */
const CHANNELS_SHOWN = 50;

/** The swarm in Temporal's UI: what it keeps, and what the last cycle decided. */
export const showSwarm = (
  { cell, cycle, cordons, policy, provisioning, lastCycle }: CarriedSwarm,
  { all: channels }: ChannelList,
): void => {
  const more = Math.max(0, channels.length - CHANNELS_SHOWN);
  const shown = channels.slice(0, CHANNELS_SHOWN).map((spec) => spec.id);
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
      `- channels: ${shown.join(', ') || 'none'}${more > 0 ? `, and ${more} more` : ''}`,
      `- cordons: ${cordoned.join(', ') || 'none'}`,
      `- limit ${policy.limitFraction} of capacity, ${policy.minEncoders} to ${policy.maxEncoders} encoders`,
      ...(provisioning && provisioning.pending.length > 0
        ? [`- encoders asked for: ${provisioning.pending.map((p) => p.zone ?? 'any zone').join(', ')}`]
        : []),
      ...decided,
    ].join('\n'),
  );
};
