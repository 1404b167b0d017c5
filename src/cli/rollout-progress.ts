import { SingleBar } from 'cli-progress';
import type { RolloutState } from '../domain';

const DETAIL_AT_MOST = 70;

/** Shows people at a terminal how far a rollout is. Nothing in pipes. */
export const createRolloutProgress = (options: {
  hidden: boolean;
}): { show: (state: RolloutState) => void; stop: () => void } => {
  if (options.hidden || !process.stderr.isTTY) return { show: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: '{phase} [{bar}] {value} of {total} encoders, {duration_formatted}. {detail}',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  return {
    show: ({ phase, paused, encoders, detail }) => {
      const upgraded = encoders.filter(({ status }) => status === 'upgraded').length;
      const payload = { phase: paused ? `${phase}, paused` : phase, detail: detail.slice(0, DETAIL_AT_MOST) };
      if (!bar.isActive) bar.start(encoders.length, upgraded, payload);
      else bar.update(upgraded, payload);
    },
    stop: () => bar.stop(),
  };
};
