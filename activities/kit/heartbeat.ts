import { cancellationSignal, heartbeat } from '@temporalio/activity';

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
