import type { EndedWorkflow } from '../temporal/ended-workflows';
import type { SwarmEnd, SwarmEndStatus } from '../temporal/swarm-run';

const ENDS: Record<SwarmEndStatus, string> = {
  TERMINATED: 'was terminated',
  FAILED: 'has failed',
  TIMED_OUT: 'ran into a time limit',
  CANCELLED: 'was cancelled',
  COMPLETED: 'has ended',
};

/** The workflow that plans, and by which encoders that are lost are answered. */
export const swarmEndInWords = ({ status }: SwarmEnd): string =>
  `The workflow of the swarm ${ENDS[status]}: channels stay on air, but nothing is planned, and what a lost encoder ` +
  `carried is not recovered. ${
    status === 'CANCELLED' ? 'Start the swarm again.' : 'The worker starts it again with all its channels.'
  }`;

/** One of the workflows that run for as long as a channel or a cell exists. */
export const endInWords = ({ kind, channelId, status }: EndedWorkflow): string => {
  const isMeant = status === 'CANCELLED';
  if (kind === 'versions') {
    return (
      `The workflow of the versions ${ENDS[status]}: encoders go on with the builds that they have, but none is added, ` +
      `probed or rolled out. ${isMeant ? 'Start the swarm again.' : 'The worker starts it again with its catalogue.'}`
    );
  }
  return (
    `The workflow of ${channelId} ${ENDS[status]}: ${channelId} stays where it is, but is neither moved nor recovered. ` +
    (isMeant ? `Remove ${channelId} and add it again.` : 'The worker starts it again with its state.')
  );
};
