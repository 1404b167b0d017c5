import { judgeStorm, type StormFacts } from '../../bench/storm/judge';
import { faultOf } from '../../bench/storm/stand-in/encoder-faults';
import { GopClock } from '../../bench/storm/stand-in/gop-clock';

const owner = (n: number) => ({ encoderId: `enc-${n}`, sessionId: `s-${n}` });
const published = (gop: number, n: number, token = n) => ({
  ...owner(n),
  ...{ gop, token, publishedAtMs: 0, sealedAtMs: 0, delayMs: 0 },
});
const accepted = (gop: number, n: number, token = n) => ({ channelId: 'ch-1', gop, token, ...owner(n) });
const done = { outcome: 'completed', workflowId: 'handoff/ch-1/1', code: null, message: null } as const;

/** One channel that went from session 1 to session 2 at GOP 1. */
const sound = (): StormFacts => ({
  requests: [{ requestId: 'r-1', channelId: 'ch-1', asked: 2, answers: [{ ...done }, { ...done }] }],
  sagas: [
    {
      workflowId: 'handoff/ch-1/1',
      type: 'handoff',
      status: 'COMPLETED',
      reason: 'operator',
      outcome: 'completed',
    },
  ],
  channels: [
    {
      id: 'ch-1',
      ledger: [published(0, 1), published(1, 2), published(2, 2)],
      nextGop: 3,
      lastSealedGop: 3,
      ownerAtOrigin: owner(2),
      ownerAtWorkflow: owner(2),
      activeSessionIds: ['s-2'],
    },
  ],
  accepted: [accepted(0, 1), accepted(1, 2), accepted(2, 2)],
  commits: [
    { channelId: 'ch-1', sessionId: 's-1', token: 1 },
    { channelId: 'ch-1', sessionId: 's-2', token: 2 },
  ],
});

test('a sound storm has no fault', () => {
  expect(judgeStorm(sound())).toEqual({ doubleOwners: [], lostSagas: [], leftovers: [] });
});

type Spoil = (facts: StormFacts) => void;
test.each<[string, keyof ReturnType<typeof judgeStorm>, Spoil, RegExp]>([
  [
    'a GOP that two sessions were acknowledged for',
    'doubleOwners',
    (f) => f.accepted.push(accepted(2, 1, 2)),
    /GOP 2 was accepted to s-2 and s-1/,
  ],
  [
    'a token that two sessions were given',
    'doubleOwners',
    (f) => f.commits.push({ channelId: 'ch-1', sessionId: 's-1', token: 2 }),
    /token 2 was given/,
  ],
  [
    'a token that goes down in the ledger',
    'doubleOwners',
    (f) => f.channels[0]!.ledger.push(published(3, 1)),
    /token 1 after token 2/,
  ],
  ['a request without an answer', 'lostSagas', (f) => f.requests[0]!.answers.pop(), /1 of 2 attempts/],
  [
    'a request that was answered differently',
    'lostSagas',
    (f) => Object.assign(f.requests[0]!.answers[1]!, { workflowId: 'handoff/ch-1/2' }),
    /answered differently/,
  ],
  [
    'one that ended unresolved',
    'lostSagas',
    (f) => f.requests[0]!.answers.forEach((a) => Object.assign(a, { outcome: 'unresolved' })),
    /ended unresolved/,
  ],
  [
    'a saga that runs on',
    'lostSagas',
    (f) => Object.assign(f.sagas[0]!, { status: 'RUNNING' }),
    /is running/,
  ],
  [
    'a saga that was terminated',
    'lostSagas',
    (f) => Object.assign(f.sagas[0]!, { status: 'TERMINATED' }),
    /is terminated/,
  ],
  [
    'a request that was carried out twice',
    'lostSagas',
    (f) => f.sagas.push({ ...f.sagas[0]!, workflowId: 'handoff/ch-1/2' }),
    /no request was told of it/,
  ],
  ['an answer for no saga', 'lostSagas', (f) => f.sagas.pop(), /is not in Temporal/],
  [
    'one saga for two requests',
    'lostSagas',
    (f) => f.requests.push({ ...f.requests[0]!, requestId: 'r-2' }),
    /answers for r-1 and for r-2/,
  ],
  [
    'a session that is left over',
    'leftovers',
    (f) => f.channels[0]!.activeSessionIds.push('s-1'),
    /s-1 is left over/,
  ],
  [
    'a workflow that takes another for the owner',
    'leftovers',
    (f) => Object.assign(f.channels[0]!, { ownerAtWorkflow: owner(1) }),
    /its workflow's s-1/,
  ],
  [
    'a channel off air',
    'leftovers',
    (f) => Object.assign(f.channels[0]!, { lastSealedGop: 20 }),
    /off air, 18 GOPs behind/,
  ],
  [
    'a gap',
    'leftovers',
    (f) => Object.assign(f.channels[0]!.ledger[1]!, { gapReason: 'lost' }),
    /1 GOPs were given up/,
  ],
])('%s is a fault', (_name, kind, spoil, sentence) => {
  const facts = sound();
  spoil(facts);
  expect(judgeStorm(facts)[kind].join('; ')).toMatch(sentence);
});

test('the seed and the move decide which sessions fail, whatever the run', () => {
  const moves = Array.from({ length: 2_000 }, (_, i) => `ch-${i % 40}-${i}-1`);
  const of = (seed: number, run: string): string[] => moves.map((move) => faultOf(seed, `${move}-${run}`));
  expect(of(1, 'aaaaaaaa')).toEqual(of(1, 'bbbbbbbb'));
  expect(of(1, 'aaaaaaaa')).not.toEqual(of(2, 'aaaaaaaa'));
  for (const fault of ['full', 'dies-at-commit', 'dies-silently', 'slow-commit']) {
    const count = of(1, 'aaaaaaaa').filter((f) => f === fault).length;
    expect([fault, count > 4 && count < 50]).toEqual([fault, true]);
  }
});

test('GOPs are sealed one after the other, each channel at moments of its own', () => {
  const clock = new GopClock(10_000, 2_000);
  expect(clock.lastSealed('ch-1', 10_000)).toBe(-1);
  const at = clock.sealedAtMs('ch-1', 7);
  expect(clock.lastSealed('ch-1', at)).toBe(7);
  expect(clock.lastSealed('ch-1', at - 1)).toBe(6);
  expect(clock.sealedAtMs('ch-2', 7)).not.toBe(at);
});
