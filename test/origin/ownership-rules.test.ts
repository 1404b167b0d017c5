import { createHash } from 'node:crypto';
import type { DeclaredGap, OwnRequest } from '../../src/contracts/origin';
import { NOBODYS_SECRET_SHA256 } from '../../src/domain';
import {
  REMEMBERED_REQUESTS,
  declareGap,
  gopExists,
  judgePublish,
  newOwnership,
  own,
  published,
  removed,
  type OwnershipState,
} from '../../src/media/origin/ownership';
import { refusalFrom } from '../support/refusal';

const first = { encoderId: 'enc-1', sessionId: 's-1' };
const second = { encoderId: 'enc-2', sessionId: 's-2' };
const requestOf = (over: Partial<OwnRequest> = {}): OwnRequest => ({
  requestId: 'begin',
  expectToken: 0,
  owner: first,
  fromGop: 0,
  ...over,
});
/** Owned by `first` with token 1; GOPs 0 to 4 are published. */
const onAir = (): OwnershipState => {
  let { state } = own(newOwnership(), requestOf());
  for (let gop = 0; gop < 5; gop++) state = published(state);
  return state;
};
const attempt = { gop: 5, token: 1, ...first };
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const secretSha256 = digestOf('of the first');
/** Owned by `first` with token 1, granted with a secret; five GOPs are published. */
const onAirWithSecret = (): OwnershipState => {
  let { state } = own(newOwnership(), requestOf({ ownerSecretSha256: secretSha256 }));
  for (let gop = 0; gop < 5; gop++) state = published(state);
  return state;
};

describe('a new channel', () => {
  test('belongs to nobody, and has neither published nor declared anything', () => {
    expect(newOwnership()).toEqual({
      token: 0,
      owner: null,
      nextGop: 0,
      hasPublished: false,
      gapsDeclared: 0,
      lastGap: null,
      discontinuityAt: null,
      requests: [],
      ownerSecretSha256: null,
    });
  });
});

describe('a change of owner', () => {
  test.each([0, 2])('is refused to a caller who expects token %i while 1 is in force', (expectToken) => {
    const state = onAir();
    expect(refusalFrom(() => own(state, requestOf({ requestId: 'other', expectToken })))).toEqual({
      code: 'stale-token',
      message: `Token ${expectToken} is not in force; 1 is.`,
      hint: 'Read the channel and ask with the token in force, or stop publishing.',
      details: { token: 1, owner: first },
    });
  });

  test('names the GOPs that would be missing, and how to declare them', () => {
    const refusal = refusalFrom(() =>
      own(onAir(), requestOf({ requestId: 'r', expectToken: 1, fromGop: 8 })),
    );
    expect(refusal).toEqual({
      code: 'bad-request',
      message: 'GOPs 5 to 7 would be missing without a reason.',
      hint: 'Begin at nextGop, or give a gapReason to declare them a gap.',
      details: { nextGop: 5 },
    });
  });

  test('further on, with a reason, declares the GOPs between a gap of the new token', () => {
    const request = requestOf({ requestId: 'r', expectToken: 1, fromGop: 8, gapReason: 'left the ring' });
    const gap = { fromGop: 5, toGop: 8, reason: 'left the ring', token: 2 };
    const changed = own(onAir(), request);
    expect(changed.gap).toEqual(gap);
    expect(changed.state).toMatchObject({ nextGop: 8, gapsDeclared: 3, lastGap: gap });
  });

  test('at nextGop itself needs no reason and declares no gap', () => {
    const request = requestOf({
      requestId: 'r',
      expectToken: 1,
      owner: second,
      fromGop: 5,
      gapReason: 'any',
    });
    const { gap, answer, state } = own(onAir(), request);
    expect(gap).toBeNull();
    expect(answer).toEqual({ token: 2, firstGop: 5 });
    expect(state).toMatchObject({ owner: second, nextGop: 5, gapsDeclared: 0, lastGap: null });
  });

  test('after a gap that was declared before anything was published leaves no second hole', () => {
    const begun = own(newOwnership(), requestOf()).state;
    const gapped = declareGap(begun, { fromGop: 0, toGop: 3, reason: 'no input', token: 1 }).state;
    expect(gapped.hasPublished).toBe(false);
    const later = requestOf({ requestId: 'r', expectToken: 1, fromGop: 9 });
    expect(refusalFrom(() => own(gapped, later)).code).toBe('bad-request');
  });

  test('of a channel that has begun nothing may start anywhere', () => {
    const begun = own(newOwnership(), requestOf()).state;
    const { answer, gap } = own(begun, requestOf({ requestId: 'r', expectToken: 1, fromGop: 40 }));
    expect(answer).toEqual({ token: 2, firstGop: 40 });
    expect(gap).toBeNull();
  });

  test('declares a discontinuity at its first GOP if it asks for one; the one before stays known else', () => {
    const asked = requestOf({ requestId: 'a', expectToken: 1, fromGop: 2, discontinuity: true });
    const seamed = own(onAir(), asked).state;
    expect(seamed.discontinuityAt).toBe(5);
    const plain = requestOf({ requestId: 'b', expectToken: 2, fromGop: 5, discontinuity: false });
    expect(own(published(seamed), plain).state.discontinuityAt).toBe(5);
    expect(own(onAir(), requestOf({ requestId: 'c', expectToken: 1 })).state.discontinuityAt).toBeNull();
  });
});

describe('a request id', () => {
  const asked = requestOf({ requestId: 'r', expectToken: 1, owner: second, fromGop: 7, gapReason: 'lost' });

  test('gets the answer of the first time, although the channel has gone on', () => {
    const once = own(onAir(), asked);
    const later = published(once.state);
    expect(own(later, { ...asked })).toEqual({ state: later, answer: once.answer, gap: null });
    // Not to declare a discontinuity is the same as to declare none.
    expect(own(later, { ...asked, discontinuity: false }).answer).toEqual(once.answer);
  });

  test.each<[string, Partial<OwnRequest>]>([
    ['token', { expectToken: 2 }],
    ['first GOP', { fromGop: 8 }],
    ['reason', { gapReason: 'other' }],
    ['discontinuity', { discontinuity: true }],
    ['encoder', { owner: { ...second, encoderId: 'enc-3' } }],
    ['session', { owner: { ...second, sessionId: 's-3' } }],
    ['owner, none', { owner: null }],
    ['secret', { ownerSecretSha256: digestOf('another') }],
  ])('stands for one request: another %s is a conflict', (_, over) => {
    const { state } = own(onAir(), asked);
    expect(refusalFrom(() => own(state, { ...asked, ...over }))).toEqual({
      code: 'conflict',
      message: 'Request id r was already used for another request.',
      hint: 'Use a new id for a new request.',
      details: undefined,
    });
  });

  test('that gave the channel to nobody is repeated too, and differs from one that gave it to somebody', () => {
    const toNobody = { ...asked, owner: null };
    const { state, answer } = own(onAir(), toNobody);
    expect(own(state, toNobody).answer).toEqual(answer);
    expect(refusalFrom(() => own(state, asked)).code).toBe('conflict');
  });

  test(`is remembered for ${REMEMBERED_REQUESTS} requests, the oldest is forgotten first`, () => {
    let state = newOwnership();
    for (let n = 0; n <= REMEMBERED_REQUESTS; n++) {
      state = own(state, requestOf({ requestId: `r${n}`, expectToken: n })).state;
    }
    expect(state.requests.map((r) => r.request.requestId)).toEqual(
      Array.from({ length: REMEMBERED_REQUESTS }, (_, n) => `r${n + 1}`),
    );
    expect(state.requests.at(-1)?.answer.token).toBe(REMEMBERED_REQUESTS + 1);
  });
});

describe('a publication', () => {
  test('of nextGop by the holder of the token is the next', () => {
    expect(judgePublish(onAir(), attempt, undefined)).toBe('next');
  });

  test('moves nextGop on by one and leaves the rest of the state', () => {
    const state = onAir();
    expect(published(state)).toEqual({ ...state, nextGop: 6, hasPublished: true });
  });

  test.each([
    ['an older token', { token: 0 }, 'Token 0 is not in force; 1 is.'],
    ['a token that was never given', { token: 2 }, 'Token 2 is not in force; 1 is.'],
    [
      'another encoder',
      { encoderId: 'enc-2' },
      'Token 1 belongs to session s-1 of enc-1, not to s-1 of enc-2.',
    ],
    [
      'another session',
      { sessionId: 's-2' },
      'Token 1 belongs to session s-1 of enc-1, not to s-2 of enc-1.',
    ],
  ])('with %s is refused, also of a GOP that is published', (_, over, message) => {
    for (const gop of [attempt.gop, 3, 9]) {
      const refusal = refusalFrom(() => judgePublish(onAir(), { ...attempt, ...over, gop }, 1));
      expect(refusal).toMatchObject({ code: 'stale-token', message, details: { token: 1, owner: first } });
    }
  });

  test('of a channel that nobody owns is refused to all', () => {
    const { state } = own(onAir(), requestOf({ requestId: 'r', expectToken: 1, owner: null }));
    const refusal = refusalFrom(() => judgePublish(state, { ...attempt, token: 2 }, undefined));
    expect(refusal).toMatchObject({ code: 'stale-token', message: 'Nobody owns the channel at token 2.' });
  });

  test('of a GOP that the same token published is a repetition to be compared', () => {
    expect(judgePublish(onAir(), { ...attempt, gop: 4 }, 1)).toBe('duplicate?');
  });

  test.each([undefined, 0])('of a GOP that token %s published is refused', (publishedWith) => {
    expect(refusalFrom(() => judgePublish(onAir(), { ...attempt, gop: 4 }, publishedWith))).toEqual({
      code: 'gop-exists',
      message: 'GOP 4 is already published or declared a gap.',
      hint: 'Go on with nextGop.',
      details: { nextGop: 5 },
    });
    expect(gopExists(4, 5)).toMatchObject({ code: 'gop-exists', details: { nextGop: 5 } });
  });

  test('ahead of nextGop is refused, with the GOP that is awaited', () => {
    expect(refusalFrom(() => judgePublish(onAir(), { ...attempt, gop: 6 }, undefined))).toEqual({
      code: 'out-of-order',
      message: 'GOP 6 came before GOP 5.',
      hint: 'Publish nextGop first.',
      details: { nextGop: 5 },
    });
  });
});

describe('the secret of an owner', () => {
  const takenBySecond = (): OwnershipState =>
    own(onAirWithSecret(), requestOf({ requestId: 'r', expectToken: 1, owner: second, fromGop: 5 })).state;

  test.each([
    ['none', undefined],
    ['another', digestOf('a guess')],
    ['one that is cut', secretSha256.slice(0, 63)],
    ['an empty one', ''],
  ])('must be shown: with %s nothing is taken, whatever else is right', (_, shown) => {
    const stranger = { ...attempt, ...(shown !== undefined && { secretSha256: shown }) };
    for (const gop of [attempt.gop, 3, 9]) {
      const refusal = refusalFrom(() => judgePublish(onAirWithSecret(), { ...stranger, gop }, 1));
      expect(refusal).toMatchObject({
        code: 'stale-token',
        message: 'Token 1 goes with a secret, which was not shown.',
      });
      expect(JSON.stringify(refusal)).not.toContain(secretSha256);
    }
  });

  test('opens what its token opens: the next GOP, and the repetition of the last', () => {
    const owner = { ...attempt, secretSha256 };
    expect(judgePublish(onAirWithSecret(), owner, undefined)).toBe('next');
    expect(judgePublish(onAirWithSecret(), { ...owner, gop: 4 }, 1)).toBe('duplicate?');
  });

  test('is not asked for where the channel was granted without', () => {
    expect(judgePublish(onAir(), { ...attempt, secretSha256 }, undefined)).toBe('next');
  });

  test('does not go over to the next owner, who has one of its own or none', () => {
    const taken = takenBySecond();
    expect(taken.ownerSecretSha256).toBeNull();
    expect(judgePublish(taken, { gop: 5, token: 2, ...second }, undefined)).toBe('next');
    const toNobody = own(onAirWithSecret(), requestOf({ requestId: 'r', expectToken: 1, owner: null })).state;
    expect(toNobody.ownerSecretSha256).toBeNull();
  });

  test("is nobody's until it is known: then neither the owner nor a stranger can publish", () => {
    const fenced = own(
      onAirWithSecret(),
      requestOf({
        ...{ requestId: 'fence', expectToken: 1, owner: second, fromGop: 5 },
        ownerSecretSha256: NOBODYS_SECRET_SHA256,
      }),
    ).state;
    const bySecond = { gop: 5, token: 2, ...second };
    for (const shown of [{}, { secretSha256: digestOf('a guess') }])
      expect(refusalFrom(() => judgePublish(fenced, { ...bySecond, ...shown }, undefined)).code).toBe(
        'stale-token',
      );
    const again = { requestId: 'again', expectToken: 2, owner: second, fromGop: 5 };
    const known = own(fenced, requestOf({ ...again, ownerSecretSha256: digestOf('of the second') })).state;
    const shown = { secretSha256: digestOf('of the second') };
    expect(judgePublish(known, { ...bySecond, token: 3, ...shown }, undefined)).toBe('next');
    // A session of an older host has none.
    const older = own(fenced, requestOf(again)).state;
    expect(judgePublish(older, { ...bySecond, token: 3 }, undefined)).toBe('next');
  });

  test('is asked for again where its session is given the channel back without a word of it', () => {
    const back = own(takenBySecond(), requestOf({ requestId: 'back', expectToken: 2, fromGop: 5 })).state;
    const again = { gop: 5, token: 3, ...first };
    expect(refusalFrom(() => judgePublish(back, again, undefined)).code).toBe('stale-token');
    expect(judgePublish(back, { ...again, secretSha256 }, undefined)).toBe('next');
    const renewed = own(back, requestOf({ requestId: 'renewed', expectToken: 3, fromGop: 5 })).state;
    expect(renewed.ownerSecretSha256).toBe(secretSha256);
    // A session of the same name on another host is another session.
    const other = requestOf({ requestId: 'o', expectToken: 3, owner: { ...first, encoderId: 'enc-9' } });
    expect(own(back, other).state.ownerSecretSha256).toBeNull();
  });

  test('is the new one where its session is granted the channel with another, as after a restart', () => {
    const anew = digestOf('after a restart');
    const request = requestOf({ requestId: 'r', expectToken: 1, ownerSecretSha256: anew });
    const { state } = own(onAirWithSecret(), request);
    expect(
      refusalFrom(() => judgePublish(state, { ...attempt, token: 2, secretSha256 }, undefined)).code,
    ).toBe('stale-token');
    expect(judgePublish(state, { ...attempt, token: 2, secretSha256: anew }, undefined)).toBe('next');
    const back = own(state, requestOf({ requestId: 'back', expectToken: 2 })).state;
    expect(back.ownerSecretSha256).toBe(anew);
  });
});

describe('a declared gap', () => {
  const gap: DeclaredGap = { fromGop: 5, toGop: 8, reason: 'left the ring', token: 1 };

  test('is counted, remembered, and passed over', () => {
    const state = onAir();
    const once = declareGap(state, gap);
    expect(once).toEqual({ state: { ...state, nextGop: 8, gapsDeclared: 3, lastGap: gap }, gap });
    const more = { ...gap, fromGop: 8, toGop: 10 };
    expect(declareGap(once.state, more).state).toMatchObject({ nextGop: 10, gapsDeclared: 5, lastGap: more });
  });

  test('of a stale token is refused before all else', () => {
    const refusal = refusalFrom(() => declareGap(onAir(), { ...gap, token: 0, toGop: 0 }));
    expect(refusal).toMatchObject({ code: 'stale-token', message: 'Token 0 is not in force; 1 is.' });
  });

  test.each([5, 4])('[5, %i) holds nothing and is refused', (toGop) => {
    expect(refusalFrom(() => declareGap(onAir(), { ...gap, toGop }))).toMatchObject({
      code: 'bad-request',
      message: `[5, ${toGop}) holds no GOP.`,
      hint: 'toGop must be above fromGop.',
    });
  });

  test.each([4, 6])('that begins at GOP %i, not at nextGop, is refused', (fromGop) => {
    expect(refusalFrom(() => declareGap(onAir(), { ...gap, fromGop }))).toEqual({
      code: 'out-of-order',
      message: `A gap must begin at GOP 5, not at ${fromGop}.`,
      hint: 'Read the channel and declare from nextGop.',
      details: { nextGop: 5 },
    });
  });

  test('again changes nothing; one that differs in anything is another', () => {
    const { state } = declareGap(onAir(), gap);
    expect(declareGap(state, { ...gap })).toEqual({ state, gap: null });
    for (const over of [{ fromGop: 4 }, { toGop: 9 }, { reason: 'other' }]) {
      expect(refusalFrom(() => declareGap(state, { ...gap, ...over })).code).toBe('out-of-order');
    }
    // The same range, declared by the owner before: it is that owner's word, not a repetition.
    const taken = own(state, requestOf({ requestId: 'r', expectToken: 1, fromGop: 8 })).state;
    expect(refusalFrom(() => declareGap(taken, { ...gap, token: 2 })).code).toBe('out-of-order');
  });
});

test('a channel that is taken away keeps its token alone, one higher, so that its last owner is fenced', () => {
  const state = removed(onAir());
  expect(state).toEqual({ ...newOwnership(), token: 2 });
  expect(refusalFrom(() => judgePublish(state, attempt, undefined)).code).toBe('stale-token');
});
