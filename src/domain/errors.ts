import { redacted } from './redact';
import { cutTo, withoutDoubledStops } from './words';

/** What went wrong, in a word that programs can compare. One code has one meaning everywhere. */
export type ErrorCode =
  | 'bad-request'
  | 'unknown-channel'
  | 'unknown-encoder'
  | 'unknown-session'
  | 'not-found'
  | 'channel-exists'
  | 'same-encoder'
  | 'encoder-cordoned'
  | 'encoder-full'
  | 'encoder-incompatible'
  | 'encoder-unreachable'
  | 'encoder-answered-garbage'
  | 'move-in-progress'
  | 'no-target'
  | 'unplaceable'
  | 'input-not-video'
  | 'input-ended'
  | 'stale-token'
  | 'out-of-order'
  | 'gop-exists'
  | 'gop-left-ring'
  | 'malformed-segment'
  | 'segment-too-large'
  | 'ledger-mismatch'
  | 'ledger-unavailable'
  | 'session-failed'
  | 'timeout'
  | 'conflict'
  | 'unavailable'
  | 'storage-full'
  | 'at-capacity-limit'
  | 'unauthenticated'
  | 'forbidden'
  | 'cross-origin'
  | 'method-not-allowed'
  | 'internal';

/** HTTP status that carries each code. */
export const httpStatusOf: Record<ErrorCode, number> = {
  'bad-request': 400,
  'unknown-channel': 404,
  'unknown-encoder': 404,
  'unknown-session': 404,
  'not-found': 404,
  'channel-exists': 409,
  'same-encoder': 409,
  'encoder-cordoned': 409,
  'encoder-full': 409,
  'encoder-incompatible': 409,
  'encoder-unreachable': 503,
  'encoder-answered-garbage': 502,
  'move-in-progress': 409,
  'no-target': 409,
  unplaceable: 409,
  'input-not-video': 422,
  'input-ended': 410,
  'stale-token': 409,
  'out-of-order': 409,
  'gop-exists': 409,
  'gop-left-ring': 410,
  'malformed-segment': 422,
  'segment-too-large': 413,
  'ledger-mismatch': 422,
  'ledger-unavailable': 503,
  'session-failed': 409,
  timeout: 408,
  conflict: 409,
  unavailable: 503,
  'storage-full': 507,
  'at-capacity-limit': 409,
  unauthenticated: 401,
  forbidden: 403,
  'cross-origin': 403,
  'method-not-allowed': 405,
  internal: 500,
};

/** Causes that pass by themselves: the same call may succeed a moment later. All others are refusals. */
export const passingCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'encoder-unreachable',
  'unavailable',
  'storage-full',
  'timeout',
  'ledger-unavailable',
  'internal',
]);

/** What of an error crosses a wire. */
export interface ErrorFields {
  code: ErrorCode;
  message: string;
  hint?: string | undefined;
  details?: Record<string, unknown> | undefined;
}

/** Body of every refusal over HTTP. */
export interface ErrorBody {
  error: ErrorFields;
}

/**
 * Longest message and hint. They may quote an encoder host, ffmpeg or a database, and go into signals and workflow
 * histories: one that is too long for Temporal would hold up all signals behind it.
 */
const MOST_CHARACTERS = 1_000;

/** Cut twice: what is left out need not be searched for secrets. */
const toldOf = (text: string): string => cutTo(MOST_CHARACTERS, redacted(cutTo(10 * MOST_CHARACTERS, text)));

/** An error that names its cause and the hint, without the secrets of the URLs in them. How it crosses wires: error-codec.ts. */
export class SwarmError extends Error {
  override readonly name = 'SwarmError';
  readonly hint: string | undefined;
  constructor(
    readonly code: ErrorCode,
    message: string,
    hint?: string,
    readonly details?: Record<string, unknown>,
  ) {
    // A message that ends with that of another error would have two full stops.
    super(toldOf(withoutDoubledStops(message)));
    this.hint = hint === undefined ? undefined : toldOf(hint);
  }

  toBody(): ErrorBody {
    const { code, message, hint, details } = this;
    return { error: { code, message, ...(hint && { hint }), ...(details && { details }) } };
  }
}

/** The same error as one that is the origin's own: another encoder would meet it too. */
export const asOriginsFault = ({ code, message, hint, details }: SwarmError): SwarmError =>
  new SwarmError(code, message, hint, { ...details, faultOf: 'origin' });

export const isOriginsFault = ({ details }: Pick<ErrorFields, 'details'>): boolean =>
  details?.faultOf === 'origin';
