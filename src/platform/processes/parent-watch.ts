const POLL_MS = 250;

/**
 * Calls back once the process that started this one has ended. npm ends at a SIGTERM without handing it on: what it
 * had started would run on without it, and a service manager would think that it is gone.
 *
 * @returns ends the watch
 */
export const onParentEnd = (ended: () => void, pollMs = POLL_MS): (() => void) => {
  const parentPid = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parentPid) return;
    clearInterval(timer);
    ended();
  }, pollMs).unref();
  return () => clearInterval(timer);
};
