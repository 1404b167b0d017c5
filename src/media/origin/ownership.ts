import type { DeclaredGap, OwnAnswer, OwnRequest } from '../../contracts/origin';
import { NOBODYS_SECRET_SHA256, SwarmError, type Owner } from '../../domain';
import { equalDigests } from '../../platform/gate';
import type { OwnershipState } from './records';

export type { OwnershipState } from './records';

/**
 * The rules of one channel's ownership, as a pure state machine: a state and a command give a new state and
 * an answer, or a SwarmError that leaves the state as it was. No clock and no I/O: the rules can be model
 * checked, and `channel.ts` decides when a new state is durable and thereby true.
 *
 * Invariants: the token grows by one with each change of owner and never goes down; only the holder of the
 * token in force may publish, and must show the secret that it was granted with; GOPs are accepted in order without a hole, save declared gaps; each GOP is
 * accepted once.
 */

/** Who wants to publish which GOP. */
export interface PublishAttempt {
  gop: number;
  token: number;
  encoderId: string;
  sessionId: string;
  /** Hex SHA-256 of the secret that was shown; absent: none was. */
  secretSha256?: string;
}

export const REMEMBERED_REQUESTS = 32;

/** @param token the highest one that a channel of this name may have had before */
export const newOwnership = (token = 0): OwnershipState => ({
  token,
  owner: null,
  nextGop: 0,
  hasPublished: false,
  gapsDeclared: 0,
  lastGap: null,
  discontinuityAt: null,
  requests: [],
  ownerSecretSha256: null,
});

const staleToken = (state: OwnershipState, message: string): SwarmError =>
  new SwarmError(
    'stale-token',
    message,
    'Read the channel and ask with the token in force, or stop publishing.',
    {
      token: state.token,
      owner: state.owner,
    },
  );

const withGap = (state: OwnershipState, gap: DeclaredGap): OwnershipState => ({
  ...state,
  nextGop: gap.toGop,
  gapsDeclared: state.gapsDeclared + gap.toGop - gap.fromGop,
  lastGap: gap,
});

const isSameOwner = (a: Owner | null, b: Owner | null): boolean =>
  a?.encoderId === b?.encoderId && a?.sessionId === b?.sessionId;

const sameRequest = (a: OwnRequest, b: OwnRequest): boolean =>
  a.expectToken === b.expectToken &&
  a.fromGop === b.fromGop &&
  a.gapReason === b.gapReason &&
  (a.discontinuity ?? false) === (b.discontinuity ?? false) &&
  a.ownerSecretSha256 === b.ownerSecretSha256 &&
  isSameOwner(a.owner, b.owner);

/**
 * Digest of the secret that the new owner has to show. A session that had to show one is never granted the channel
 * without: who asks for it to be the owner again, as a compensation does, need not know the digest.
 */
const secretOf = (state: OwnershipState, { owner, ownerSecretSha256 }: OwnRequest): string | null => {
  if (owner === null) return null;
  if (ownerSecretSha256 !== undefined) return ownerSecretSha256;
  const isSecret = (digest: string | null | undefined): boolean =>
    typeof digest === 'string' && digest !== NOBODYS_SECRET_SHA256;
  if (isSameOwner(state.owner, owner) && isSecret(state.ownerSecretSha256)) return state.ownerSecretSha256;
  const before = state.requests.findLast(
    ({ request }) => isSameOwner(request.owner, owner) && isSecret(request.ownerSecretSha256),
  );
  return before?.request.ownerSecretSha256 ?? null;
};

/**
 * Changes hands by compare-and-set. The same request again gets the same answer and changes nothing.
 * @throws SwarmError stale-token; conflict (the request id was used for another request); bad-request
 * (GOPs would be skipped without a reason).
 */
export const own = (
  state: OwnershipState,
  request: OwnRequest,
): { state: OwnershipState; answer: OwnAnswer; gap: DeclaredGap | null } => {
  const answered = state.requests.find((r) => r.request.requestId === request.requestId);
  if (answered) {
    if (sameRequest(answered.request, request)) return { state, answer: answered.answer, gap: null };
    throw new SwarmError(
      'conflict',
      `Request id ${request.requestId} was already used for another request.`,
      'Use a new id for a new request.',
    );
  }
  if (request.expectToken !== state.token) {
    throw staleToken(state, `Token ${request.expectToken} is not in force; ${state.token} is.`);
  }
  const token = state.token + 1;
  const begun = state.hasPublished || state.gapsDeclared > 0;
  let gap: DeclaredGap | null = null;
  if (begun && request.fromGop > state.nextGop) {
    if (request.gapReason === undefined) {
      throw new SwarmError(
        'bad-request',
        `GOPs ${state.nextGop} to ${request.fromGop - 1} would be missing without a reason.`,
        'Begin at nextGop, or give a gapReason to declare them a gap.',
        { nextGop: state.nextGop },
      );
    }
    gap = { fromGop: state.nextGop, toGop: request.fromGop, reason: request.gapReason, token };
  }
  const answer: OwnAnswer = { token, firstGop: Math.max(request.fromGop, state.nextGop) };
  const moved = gap ? withGap(state, gap) : { ...state, nextGop: answer.firstGop };
  return {
    state: {
      ...moved,
      token,
      owner: request.owner,
      ownerSecretSha256: secretOf(state, request),
      ...(request.discontinuity && { discontinuityAt: answer.firstGop }),
      requests: [...state.requests, { request, answer }].slice(-REMEMBERED_REQUESTS),
    },
    answer,
    gap,
  };
};

/** @throws SwarmError stale-token unless the attempt holds the token in force, and the secret that goes with it. */
export const requireOwner = (state: OwnershipState, attempt: PublishAttempt): void => {
  if (attempt.token !== state.token) {
    throw staleToken(state, `Token ${attempt.token} is not in force; ${state.token} is.`);
  }
  if (state.owner === null) throw staleToken(state, `Nobody owns the channel at token ${state.token}.`);
  if (state.owner.encoderId !== attempt.encoderId || state.owner.sessionId !== attempt.sessionId) {
    throw staleToken(
      state,
      `Token ${state.token} belongs to session ${state.owner.sessionId} of ${state.owner.encoderId}, ` +
        `not to ${attempt.sessionId} of ${attempt.encoderId}.`,
    );
  }
  const secret = state.ownerSecretSha256;
  if (secret !== null && !equalDigests(Buffer.from(secret), Buffer.from(attempt.secretSha256 ?? ''))) {
    throw staleToken(state, `Token ${state.token} goes with a secret, which was not shown.`);
  }
};

/**
 * Whether a GOP may be published now. `publishedWithToken`: the token that this GOP was published with, if it
 * is published and still known.
 * @returns `next`: it is the one awaited; `duplicate?`: the same token published it already, so that it is a
 * repetition if its bytes are the same and else must be refused with gop-exists.
 * @throws SwarmError stale-token, gop-exists, out-of-order; checked in this order.
 */
export const judgePublish = (
  state: OwnershipState,
  attempt: PublishAttempt,
  publishedWithToken: number | undefined,
): 'next' | 'duplicate?' => {
  requireOwner(state, attempt);
  if (attempt.gop < state.nextGop) {
    if (publishedWithToken === attempt.token) return 'duplicate?';
    throw gopExists(attempt.gop, state.nextGop);
  }
  if (attempt.gop > state.nextGop) {
    throw new SwarmError(
      'out-of-order',
      `GOP ${attempt.gop} came before GOP ${state.nextGop}.`,
      'Publish nextGop first.',
      { nextGop: state.nextGop },
    );
  }
  return 'next';
};

export const gopExists = (gop: number, nextGop: number): SwarmError =>
  new SwarmError('gop-exists', `GOP ${gop} is already published or declared a gap.`, 'Go on with nextGop.', {
    nextGop,
  });

/** State after the awaited GOP was published. */
export const published = (state: OwnershipState): OwnershipState => ({
  ...state,
  nextGop: state.nextGop + 1,
  hasPublished: true,
});

/**
 * Declares [fromGop, toGop) a gap. The declaration made last, again, changes nothing.
 * @throws SwarmError stale-token, bad-request (empty range), out-of-order (fromGop is not nextGop).
 */
export const declareGap = (
  state: OwnershipState,
  gap: DeclaredGap,
): { state: OwnershipState; gap: DeclaredGap | null } => {
  if (gap.token !== state.token) {
    throw staleToken(state, `Token ${gap.token} is not in force; ${state.token} is.`);
  }
  if (gap.toGop <= gap.fromGop) {
    throw new SwarmError(
      'bad-request',
      `[${gap.fromGop}, ${gap.toGop}) holds no GOP.`,
      'toGop must be above fromGop.',
    );
  }
  const last = state.lastGap;
  const repeated =
    last !== null &&
    last.fromGop === gap.fromGop &&
    last.toGop === gap.toGop &&
    last.reason === gap.reason &&
    last.token === gap.token;
  if (repeated) return { state, gap: null };
  if (gap.fromGop !== state.nextGop) {
    throw new SwarmError(
      'out-of-order',
      `A gap must begin at GOP ${state.nextGop}, not at ${gap.fromGop}.`,
      'Read the channel and declare from nextGop.',
      { nextGop: state.nextGop },
    );
  }
  return { state: withGap(state, gap), gap };
};

/** State of a channel that was taken away: fenced, and only its token is remembered. */
export const removed = (state: OwnershipState): OwnershipState => ({
  ...newOwnership(),
  token: state.token + 1,
});
