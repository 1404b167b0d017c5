import { onParentEnd } from './parent-watch';

/** What asks this process to end: a signal; or the end of npm, which keeps a SIGTERM to itself. */
export type Interrupt = NodeJS.Signals | 'npm ended';

/**
 * Calls back at each request to end. The end of a parent counts only under npm: others may leave this process behind on
 * purpose, as nohup and `&` do.
 */
export const onInterrupt = (interrupted: (how: Interrupt) => void): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted);
  if (process.env.npm_lifecycle_event !== undefined) onParentEnd(() => interrupted('npm ended'));
};
