import type { PendingEncoder, ProvisioningOutcome } from './snapshot';

/** Outcomes kept: older ones say little of today's provider. */
export const MOST_OUTCOMES = 40;
/**
 * A request without an answer for so long has failed, whoever was to report it: longer than the workflow of a
 * request may take.
 */
export const FORGOTTEN_AFTER_MS = 25 * 60_000;

/** Requests for encoders of one cell, kept by its swarm workflow. */
export interface Provisioning {
  pending: PendingEncoder[];
  /** In the order in which they ended. */
  outcomes: ProvisioningOutcome[];
}

/** How one request ended. */
export interface RequestEnded extends PendingEncoder {
  endedAtMs: number;
  /** Did it bring an encoder that answers? */
  arrived: boolean;
}

export const noProvisioning = (): Provisioning => ({ pending: [], outcomes: [] });

/** Enters requests that were made; one that is known already, under way or ended, changes nothing. */
export const withRequested = (
  { pending, outcomes }: Provisioning,
  requests: readonly PendingEncoder[],
): Provisioning => {
  const known = new Set([...pending, ...outcomes].map(({ requestId }) => requestId));
  return { pending: [...pending, ...requests.filter(({ requestId }) => !known.has(requestId))], outcomes };
};

/** Enters how a request ended; the same news again changes nothing. */
export const withEnded = (
  { pending, outcomes }: Provisioning,
  { requestId, zone, askedAtMs, endedAtMs, arrived }: RequestEnded,
): Provisioning => {
  const rest = pending.filter((request) => request.requestId !== requestId);
  if (outcomes.some((outcome) => outcome.requestId === requestId)) return { pending: rest, outcomes };
  const outcome = {
    requestId,
    ...(zone !== undefined && { zone }),
    askedAtMs,
    endedAtMs,
    asked: 1,
    got: arrived ? 1 : 0,
  };
  return { pending: rest, outcomes: [...outcomes, outcome].slice(-MOST_OUTCOMES) };
};

/** Ends requests that have had no answer for long, as failed. */
export const withoutForgotten = (provisioning: Provisioning, atMs: number): Provisioning =>
  provisioning.pending
    .filter(({ askedAtMs }) => atMs - askedAtMs > FORGOTTEN_AFTER_MS)
    .reduce<Provisioning>(
      (left, request) => withEnded(left, { ...request, endedAtMs: atMs, arrived: false }),
      provisioning,
    );
