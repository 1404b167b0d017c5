import { SwarmError } from '../../src/domain';
import { KeptReading, freshOrNull, valueOf, type CallTerms } from '../../src/observation/kept-reading';
import { ManualClock } from '../support/manual-clock';

interface Asked {
  terms: CallTerms;
  answer(value: string): void;
  fail(error: Error): void;
}

let clock: ManualClock;
let asked: Asked[];
let reading: KeptReading<string>;
/** Lets everything that can go on do so. */
const settle = (): Promise<void> => new Promise(setImmediate);
const away = new SwarmError('unavailable', 'it is away');

beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  reading = new KeptReading(
    'The part',
    (terms) => new Promise((answer, fail) => asked.push({ terms, answer, fail })),
    { keptMs: 1_000, deadlineMs: 500 },
    clock,
  );
});

/** A look that is answered at once. */
const read = async (value: string): Promise<void> => {
  const calls = asked.length;
  const looked = reading.get();
  expect(asked).toHaveLength(calls + 1);
  asked.at(-1)!.answer(value);
  expect(valueOf(await looked)).toBe(value);
};

test('those who look at the same moment share one call, and its answer is kept for a while', async () => {
  const looks = [reading.get(), reading.get(), reading.get()];
  expect(asked).toHaveLength(1);
  asked[0]!.answer('a');
  expect((await Promise.all(looks)).map(valueOf)).toEqual(['a', 'a', 'a']);
  clock.advance(999);
  expect(valueOf(await reading.get())).toBe('a');
  expect(asked).toHaveLength(1);
  clock.advance(1);
  await read('b');
  expect(reading.last).toEqual({ value: 'b', readAtMs: clock.now(), fault: null });
});

test('a look may ask for less age than the reading is kept for', async () => {
  await read('a');
  clock.advance(300);
  expect(valueOf(await reading.get({ maxAgeMs: 301 }))).toBe('a');
  void reading.get({ maxAgeMs: 300 });
  expect(asked).toHaveLength(2);
});

test('a silent part costs its deadline once: then its fault is known, beside its last word', async () => {
  await read('a');
  clock.advance(1_000);
  const looked = reading.get();
  clock.advance(499);
  await settle();
  expect(reading.last.fault).toBeNull();
  clock.advance(1);
  expect(await looked).toMatchObject({ value: 'a', fault: { code: 'timeout' } });
  expect(freshOrNull(await looked)).toBeNull();
  clock.advance(1_000);
  // Asked again, but not waited for.
  expect(await reading.get()).toMatchObject({ value: 'a', fault: { code: 'timeout' } });
  expect(asked).toHaveLength(3);
  const insisting = reading.get({ insists: true });
  asked[2]!.answer('c');
  expect(valueOf(await insisting)).toBe('c');
});

test('a part that fails is asked again when its fault is as old as a value may be', async () => {
  const looked = reading.get();
  asked[0]!.fail(away);
  expect(await looked).toEqual({ value: null, readAtMs: null, fault: away });
  expect(() => valueOf(reading.last)).toThrow(away);
  clock.advance(999);
  await reading.get({ insists: true });
  expect(asked).toHaveLength(1);
});

test('an answer that comes after the deadline is the last word all the same, but no fresh one', async () => {
  const looked = reading.get();
  clock.advance(500);
  await looked;
  asked[0]!.answer('late');
  await settle();
  expect(reading.last).toMatchObject({ value: 'late', fault: { code: 'timeout' } });
});

test('asked now, the answer is never older than the question; those who ask meanwhile share it', async () => {
  const before = reading.get();
  const now = [reading.now(), reading.now()];
  await settle();
  expect(asked).toHaveLength(1);
  asked[0]!.answer('old');
  expect(valueOf(await before)).toBe('old');
  await settle();
  expect(asked).toHaveLength(2);
  asked[1]!.answer('new');
  expect((await Promise.all(now)).map(valueOf)).toEqual(['new', 'new']);
});

test('who waits less long than a call may take has its own deadline', async () => {
  const long = reading.get({ deadlineMs: 2_000 });
  const short = reading.get({ deadlineMs: 100 });
  clock.advance(100);
  expect((await short).fault).toMatchObject({ code: 'timeout' });
  asked[0]!.answer('a');
  expect(valueOf(await long)).toBe('a');
  expect(reading.last.fault).toBeNull();
  expect(asked[0]!.terms.deadlineMs).toBeGreaterThan(2_000);
});

test('a call apart does not wait for one that hangs, and an older answer does not replace its own', async () => {
  const hanging = reading.get();
  const apart = reading.apart({ deadlineMs: 300, waitForReady: true });
  expect(asked[1]!.terms).toMatchObject({ waitForReady: true });
  asked[1]!.answer('newer');
  expect(valueOf(await apart)).toBe('newer');
  asked[0]!.answer('older');
  expect(valueOf(await hanging)).toBe('older');
  expect(reading.last.value).toBe('newer');
});

test('what was asked before a command is not kept after it', async () => {
  const before = reading.get();
  reading.invalidate();
  const after = reading.get();
  expect(asked).toHaveLength(2);
  asked[1]!.answer('after');
  expect(valueOf(await after)).toBe('after');
  asked[0]!.answer('before');
  expect(valueOf(await before)).toBe('before');
  expect(reading.last.value).toBe('after');
  // Nor is the deadline of what is no longer wanted a fault.
  reading.invalidate();
  void reading.get();
  reading.invalidate();
  clock.advance(500);
  await settle();
  expect(reading.last.fault).toBeNull();
});
