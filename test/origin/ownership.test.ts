import { createHash } from 'node:crypto';
import type { OwnRequest } from '../../src/contracts/origin';
import { SwarmError } from '../../src/domain';
import {
  REMEMBERED_REQUESTS,
  declareGap,
  judgePublish,
  newOwnership,
  own,
  published,
  removed,
  type OwnershipState,
} from '../../src/media/origin/ownership';
import fc from '../support/fast-check';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const ownerNumber = (n: number) => ({ encoderId: `enc-${n}`, sessionId: `s-${n}` });
const secretNumber = (n: number): string => digestOf(`secret ${n}`);
const begin = (fromGop = 0): OwnershipState =>
  own(newOwnership(), { requestId: 'begin', expectToken: 0, owner: ownerNumber(1), fromGop }).state;
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return (error as SwarmError).code;
  }
  return 'accepted';
};

describe('ownership', () => {
  test('a fresh channel begins where its first owner says', () => {
    const { state, answer, gap } = own(newOwnership(), {
      requestId: 'r',
      expectToken: 0,
      owner: ownerNumber(1),
      fromGop: 17,
    });
    expect(answer).toEqual({ token: 1, firstGop: 17 });
    expect(gap).toBeNull();
    expect(state).toMatchObject({ token: 1, nextGop: 17, gapsDeclared: 0, hasPublished: false });
  });

  test('a channel that has published goes on at nextGop, and skips only with a reason', () => {
    const state = published(begin());
    const request = { requestId: 'r', expectToken: 1, owner: ownerNumber(2), fromGop: 0 };
    expect(own(state, request).answer).toEqual({ token: 2, firstGop: 1 });
    expect(codeOf(() => own(state, { ...request, fromGop: 4 }))).toBe('bad-request');
    const skipped = own(state, { ...request, fromGop: 4, gapReason: 'left the ring' });
    expect(skipped.answer).toEqual({ token: 2, firstGop: 4 });
    expect(skipped.gap).toEqual({ fromGop: 1, toGop: 4, reason: 'left the ring', token: 2 });
    expect(skipped.state).toMatchObject({ nextGop: 4, gapsDeclared: 3 });
  });

  test('a request id stands for one request', () => {
    const request = { requestId: 'begin', expectToken: 0, owner: ownerNumber(1), fromGop: 0 };
    const state = published(begin());
    const again = own(state, request);
    expect(again).toEqual({ state, answer: { token: 1, firstGop: 0 }, gap: null });
    expect(codeOf(() => own(state, { ...request, owner: ownerNumber(2) }))).toBe('conflict');
  });

  test('the token alone does not make an owner', () => {
    const attempt = { gop: 0, token: 1, ...ownerNumber(1) };
    expect(codeOf(() => judgePublish(begin(), attempt, undefined))).toBe('accepted');
    expect(codeOf(() => judgePublish(begin(), { ...attempt, sessionId: 's-2' }, undefined))).toBe(
      'stale-token',
    );
    const nobody = own(begin(), { requestId: 'r', expectToken: 1, owner: null, fromGop: 0 }).state;
    expect(codeOf(() => judgePublish(nobody, { ...attempt, token: 2 }, undefined))).toBe('stale-token');
  });

  test('a gap begins at nextGop; declared again it changes nothing', () => {
    const gap = { fromGop: 0, toGop: 3, reason: 'lost', token: 1 };
    const declared = declareGap(begin(), gap);
    expect(declared.state).toMatchObject({ nextGop: 3, gapsDeclared: 3 });
    expect(declareGap(declared.state, gap)).toEqual({ state: declared.state, gap: null });
    expect(codeOf(() => declareGap(declared.state, { ...gap, reason: 'other' }))).toBe('out-of-order');
    expect(codeOf(() => declareGap(declared.state, { ...gap, fromGop: 4, toGop: 5 }))).toBe('out-of-order');
    expect(codeOf(() => declareGap(declared.state, { ...gap, fromGop: 3 }))).toBe('bad-request');
    expect(codeOf(() => declareGap(declared.state, { ...gap, token: 0 }))).toBe('stale-token');
  });

  test('a channel that was removed keeps its token and fences its last owner', () => {
    const state = removed(published(begin()));
    expect(state).toMatchObject({ token: 2, owner: null, nextGop: 0, hasPublished: false });
    expect(codeOf(() => judgePublish(state, { gop: 0, token: 1, ...ownerNumber(1) }, undefined))).toBe(
      'stale-token',
    );
  });
});

/** Everything callers may try, with numbers around the state in force, so that most commands bite. */
const mostly = (value: number, min: number, max: number) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.integer({ min, max }) });
/** The secret that goes with a publication: the owner's, none, or another. */
const shows = fc.constantFrom<('own' | 'none' | 'guess')[]>('own', 'own', 'none', 'guess');
const commandArbitrary = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('own' as const),
      caller: mostly(1, 0, 3),
      tokenOffset: mostly(0, -2, 1),
      gopOffset: mostly(0, -2, 3),
      withSecret: fc.boolean(),
      withReason: fc.boolean(),
      retryOf: fc.option(fc.nat(40), { freq: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish-as-owner' as const), shows }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      caller: mostly(1, 0, 3),
      tokenOffset: mostly(0, -2, 1),
      gopOffset: mostly(0, -2, 2),
      shows,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('gap' as const),
      tokenOffset: mostly(0, -1, 0),
      gopOffset: mostly(0, -1, 1),
      length: fc.integer({ min: 0, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const) }) },
);

describe('whatever callers try, in any order', () => {
  test('one owner a token, one publication a GOP, tokens grow, holes are declared, retries repeat', () => {
    let accepted = 0;
    let proven = 0;
    fc.assert(
      fc.property(fc.array(commandArbitrary, { minLength: 1, maxLength: 80, size: 'max' }), (commands) => {
        let state = newOwnership();
        /** What an observer outside writes down. */
        let fate = new Map<number, { token: number; encoderId: string } | 'gap'>();
        const ownerOfToken = new Map<number, string | null>();
        let asked: OwnRequest[] = [];
        let firstGop: number | null = null;
        let number = 0;
        let grants: { encoderId: string | null; gaveSecret: boolean }[] = [];
        let needsSecret = false;

        for (const command of commands) {
          const before = state;
          try {
            if (command.kind === 'own') {
              const retried = command.retryOf === null ? undefined : asked[command.retryOf];
              const request: OwnRequest = retried ?? {
                requestId: `r${number++}`,
                expectToken: Math.max(0, state.token + command.tokenOffset),
                owner: command.caller === 0 ? null : ownerNumber(command.caller),
                fromGop: Math.max(0, state.nextGop + command.gopOffset),
                gapReason: command.withReason ? 'test' : undefined,
                ...(command.caller > 0 &&
                  command.withSecret && { ownerSecretSha256: secretNumber(command.caller) }),
              };
              const remembered = state.requests.find((r) => r.request.requestId === request.requestId);
              const { state: next, answer, gap } = own(state, request);
              if (remembered) {
                expect(next).toBe(state);
                expect(answer).toEqual(remembered.answer);
                continue;
              }
              asked.push(request);
              expect(answer.token).toBe(before.token + 1);
              expect(answer.firstGop).toBe(Math.max(request.fromGop, before.nextGop));
              expect(ownerOfToken.has(answer.token)).toBe(false);
              ownerOfToken.set(answer.token, request.owner?.encoderId ?? null);
              const encoderId = request.owner?.encoderId ?? null;
              const gaveSecret = request.ownerSecretSha256 !== undefined;
              // A session that had to show a secret is not granted the channel without, as far as is remembered.
              const isSame = grants.at(-1)?.encoderId === encoderId;
              const hadSecret = grants
                .slice(-REMEMBERED_REQUESTS)
                .some((grant) => grant.gaveSecret && grant.encoderId === encoderId);
              needsSecret = encoderId !== null && (gaveSecret || hadSecret || (isSame && needsSecret));
              grants.push({ encoderId, gaveSecret });
              if (gap) for (let g = gap.fromGop; g < gap.toGop; g++) fate.set(g, 'gap');
              else if (fate.size === 0) firstGop = answer.firstGop;
              state = next;
            } else if (command.kind === 'gap') {
              const { state: next, gap } = declareGap(state, {
                fromGop: Math.max(0, state.nextGop + command.gopOffset),
                toGop: Math.max(0, state.nextGop + command.gopOffset) + command.length,
                token: Math.max(0, state.token + command.tokenOffset),
                reason: 'test',
              });
              if (gap) {
                if (fate.size === 0) firstGop = gap.fromGop;
                for (let g = gap.fromGop; g < gap.toGop; g++) {
                  expect(fate.has(g)).toBe(false);
                  fate.set(g, 'gap');
                }
              }
              state = next;
            } else if (command.kind === 'remove') {
              state = removed(state);
              fate = new Map();
              asked = [];
              grants = [];
              needsSecret = false;
              ownerOfToken.set(state.token, null);
              firstGop = null;
              expect(state.token).toBe(before.token + 1);
            } else {
              const shown =
                command.shows === 'own'
                  ? secretNumber(Number(state.owner?.encoderId.slice(4) ?? 1))
                  : digestOf('a guess');
              const secretShown = command.shows !== 'none' && { secretSha256: shown };
              const attempt =
                command.kind === 'publish-as-owner'
                  ? {
                      gop: state.nextGop,
                      token: state.token,
                      ...(state.owner ?? ownerNumber(1)),
                      ...secretShown,
                    }
                  : {
                      gop: Math.max(0, state.nextGop + command.gopOffset),
                      token: Math.max(0, state.token + command.tokenOffset),
                      ...ownerNumber(command.caller),
                      ...secretShown,
                    };
              const known = fate.get(attempt.gop);
              const verdict = judgePublish(state, attempt, known === 'gap' ? undefined : known?.token);
              expect(ownerOfToken.get(attempt.token)).toBe(attempt.encoderId);
              if (needsSecret) expect(command.shows).toBe('own');
              if (needsSecret) proven += 1;
              if (verdict === 'duplicate?') {
                expect(known).toMatchObject({ token: attempt.token });
                continue;
              }
              expect(known).toBeUndefined();
              if (fate.size === 0) firstGop ??= attempt.gop;
              fate.set(attempt.gop, { token: attempt.token, encoderId: attempt.encoderId });
              accepted += 1;
              state = published(state);
            }
          } catch (error) {
            if (!(error instanceof SwarmError)) throw error;
            expect(state).toBe(before);
          }
          expect(state.token).toBeGreaterThanOrEqual(before.token);
          expect(state.requests.length).toBeLessThanOrEqual(REMEMBERED_REQUESTS);
          if (fate.size > 0) {
            expect(Math.min(...fate.keys())).toBe(firstGop);
            expect(Math.max(...fate.keys())).toBe(state.nextGop - 1);
            expect(fate.size).toBe(state.nextGop - firstGop!);
            expect([...fate.values()].filter((f) => f === 'gap')).toHaveLength(state.gapsDeclared);
          }
        }
      }),
      { numRuns: 200 },
    );
    // The property must have seen real publications, not refusals only.
    expect(accepted).toBeGreaterThan(1_000);
    expect(proven).toBeGreaterThan(200);
  });
});
