import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { SwarmError, extrasFromJson, extrasToJson, isErrorCode, type ErrorCode } from '../../domain';

/** Trailing metadata of a refusal: the code in plain text; hint and details as JSON in bytes. */
const CODE_KEY = 'swarm-error-code';
const DETAILS_KEY = 'swarm-error-details-bin';

const statusOf: Partial<Record<ErrorCode, status>> = {
  'bad-request': status.INVALID_ARGUMENT,
  'unknown-channel': status.NOT_FOUND,
  'unknown-session': status.NOT_FOUND,
  'encoder-full': status.RESOURCE_EXHAUSTED,
  'encoder-incompatible': status.FAILED_PRECONDITION,
  'stale-token': status.FAILED_PRECONDITION,
  'session-failed': status.FAILED_PRECONDITION,
  'gop-left-ring': status.OUT_OF_RANGE,
  conflict: status.ALREADY_EXISTS,
  timeout: status.DEADLINE_EXCEEDED,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
  internal: status.INTERNAL,
};

/** A refusal as the server sends it. */
export const toServiceError = (error: SwarmError): { code: status; details: string; metadata: Metadata } => {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  const extras = extrasToJson(error);
  if (extras) metadata.set(DETAILS_KEY, Buffer.from(extras));
  return { code: statusOf[error.code] ?? status.UNKNOWN, details: error.message, metadata };
};

/** Statuses by which a channel says that the callee could not be asked, or did not answer in time. */
const NO_ANSWER = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED]);

/**
 * A failed call as the caller sees it: the host's own code where it gave one; `encoder-unreachable` without an
 * answer; else `encoder-answered-garbage`.
 */
export const fromServiceError = (error: ServiceError, address: string): SwarmError => {
  const code = error.metadata?.get(CODE_KEY)[0];
  if (isErrorCode(code)) {
    const bytes = error.metadata.get(DETAILS_KEY)[0];
    const { hint, details } = Buffer.isBuffer(bytes) ? extrasFromJson(bytes.toString('utf8')) : {};
    return new SwarmError(code, error.details, hint, details);
  }
  if (NO_ANSWER.has(error.code)) {
    return new SwarmError(
      'encoder-unreachable',
      `Encoder at ${address} did not answer: ${error.details || status[error.code]}.`,
      'Check that its host runs and can be reached.',
    );
  }
  return answeredGarbage(address, error.details || String(status[error.code]));
};

export const answeredGarbage = (address: string, what: string): SwarmError =>
  new SwarmError(
    'encoder-answered-garbage',
    `Encoder at ${address} does not speak protos/encoder.proto: ${what}.`,
    'Check that the address is that of an encoder host, and its version.',
  );

/** Whether a server does not know a service or call at all: it is of another version of the contract. */
export const isUnimplemented = (error: ServiceError): boolean =>
  error.code === status.UNIMPLEMENTED && !error.metadata?.get(CODE_KEY).length;
