import { SwarmError, fromFailureFields, isErrorCode } from '../domain';

/** gRPC status numbers that say something about the server rather than about the request. */
const grpcStatus = { cancelled: 1, deadlineExceeded: 4, failedPrecondition: 9, unavailable: 14 } as const;

interface ErrorLike {
  name?: string;
  message?: string;
  type?: string | null;
  details?: unknown;
  code?: number;
  cause?: unknown;
}

const causesOf = (error: unknown): ErrorLike[] => {
  const chain: ErrorLike[] = [];
  for (let e = error; e instanceof Error && chain.length < 10; e = (e as ErrorLike).cause) {
    chain.push(e);
  }
  return chain;
};

/**
 * What a failed call to Temporal means to the caller: a refusal of a workflow (ApplicationFailure whose type is an
 * ErrorCode) is that refusal; the rest says which part is not there.
 * Errors are distinguished by name, so that this module loads nothing of the client.
 * @param notFound the refusal that a missing workflow stands for
 */
export const fromTemporal = (error: unknown, notFound: () => SwarmError): SwarmError => {
  if (error instanceof SwarmError) return error;
  const chain = causesOf(error);
  const refusal = chain.find((e) => e.name === 'ApplicationFailure' && isErrorCode(e.type));
  if (refusal) return errorOf(refusal);
  const named = (name: string): boolean => chain.some((e) => e.name === name);
  if (named('WorkflowNotFoundError')) return notFound();
  const grpcCode = chain.find((e) => typeof e.code === 'number')?.code;
  // A server whose worker has gone also cancels calls shortly before their deadline.
  const late = grpcCode === grpcStatus.deadlineExceeded || grpcCode === grpcStatus.cancelled;
  if (late || named('WorkflowUpdateRPCTimeoutOrCancelledError')) {
    return new SwarmError(
      'timeout',
      'The orchestrator did not answer in time; what was asked may still happen.',
      'Check that the worker runs, look at the state, then ask again.',
    );
  }
  if (grpcCode === grpcStatus.failedPrecondition || named('QueryNotRegisteredError')) {
    return new SwarmError('unavailable', 'No worker serves the workflows now.', 'Start the worker.');
  }
  const first = chain[0];
  if (grpcCode === grpcStatus.unavailable || first?.name === 'TransportError')
    return temporalDown(first?.message);
  const cause = chain.map((e) => e.message).join(': ');
  return new SwarmError('internal', `Temporal answered with an error: ${cause || String(error)}.`);
};

export const temporalDown = (cause = 'no connection'): SwarmError =>
  new SwarmError(
    'unavailable',
    `Temporal can't be reached: ${cause}.`,
    'Channels on air stay on air. Start Temporal, or set TEMPORAL_ADDRESS, then ask again.',
  );

const errorOf = (failure: ErrorLike): SwarmError => {
  const { code, message, hint, details } = fromFailureFields(failure);
  return new SwarmError(isErrorCode(code) ? code : 'internal', message, hint, details);
};
