import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';

const HEARTBEAT_EVERY_MS = 800;

/** Runs a long step of an activity with heartbeats, and hands it the signal that ends its calls on cancellation. */
export const withHeartbeats = async <T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  heartbeat();
  const timer = setInterval(() => heartbeat(), HEARTBEAT_EVERY_MS);
  try {
    return await run(cancellationSignal());
  } finally {
    clearInterval(timer);
  }
};

/**
 * As withHeartbeats, for a step that reports how far it is: each report goes out at once and with every heartbeat, so
 * that another worker goes on where this one was lost.
 * @param begin how far it is where no earlier attempt has reported
 * @param run is handed how far it is
 */
export const withProgress = async <P, T>(
  begin: P,
  run: (report: (progress: P) => void, signal: AbortSignal, from: P) => Promise<T>,
): Promise<T> => {
  let progress = (activityInfo().heartbeatDetails as P | null | undefined) ?? begin;
  const report = (reached: P): void => {
    progress = reached;
    heartbeat(progress);
  };
  const timer = setInterval(() => heartbeat(progress), HEARTBEAT_EVERY_MS);
  try {
    return await run(report, cancellationSignal(), progress);
  } finally {
    clearInterval(timer);
  }
};
