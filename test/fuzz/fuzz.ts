import fc, { seed } from '../support/fast-check';

/** Runs of each boundary: FUZZ_RUNS, or as many as CI has time for. */
const runs = Number(process.env.FUZZ_RUNS) || 150;

/**
 * Checks that what a boundary is given, however spoilt, ends in success or in a clear refusal. A failure is shrunk and
 * printed with the command that repeats it.
 * @param share of the runs, for a boundary that is slow
 */
export const fuzz = async <T>(
  given: fc.Arbitrary<T>,
  holds: (value: T) => Promise<void> | void,
  { share = 1 }: { share?: number } = {},
): Promise<void> => {
  const { testPath, currentTestName } = expect.getState();
  const path = testPath?.replace(/^.*\/(test\/)/, '$1');
  const numRuns = Math.max(1, Math.round(runs * share));
  const again = `FUZZ_SEED=${seed} FUZZ_RUNS=${runs} npx jest ${path} -t '${currentTestName}'`;
  console.info(`${numRuns} runs, repeat with: ${again}`);
  try {
    await fc.assert(
      fc.asyncProperty(given, async (value) => holds(value)),
      { numRuns, seed, endOnFailure: false, interruptAfterTimeLimit: 45_000 * Math.max(1, runs / 150) },
    );
  } catch (error) {
    throw new Error(`${(error as Error).message}\nRepeat with: ${again}`, { cause: error });
  }
};

type Spoil = (bytes: Buffer) => Buffer;

const position = fc.double({ min: 0, max: 0.999_999, noNaN: true });
const at = (bytes: Buffer, where: number): number => Math.floor(where * bytes.length);

const spoil: fc.Arbitrary<Spoil> = fc.oneof(
  fc.tuple(position, fc.integer({ min: 0, max: 7 })).map(([where, bit]): Spoil => (bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at(copy, where)]! ^= 1 << bit;
    return copy;
  }),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([where, put]): Spoil => (bytes) => {
    const copy = Buffer.from(bytes);
    Buffer.from(put).copy(copy, at(copy, where));
    return copy;
  }),
  position.map(
    (where): Spoil =>
      (bytes) =>
        bytes.subarray(0, at(bytes, where)),
  ),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 400 })).map(
    ([where, put]): Spoil =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, where)), put, bytes.subarray(at(bytes, where))]),
  ),
  fc.tuple(position, position).map(([one, other]): Spoil => (bytes) => {
    const [from, to] = [at(bytes, one), at(bytes, other)].sort((a, b) => a - b) as [number, number];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  }),
  fc.tuple(position, position).map(([one, other]): Spoil => (bytes) => {
    const [from, to] = [at(bytes, one), at(bytes, other)].sort((a, b) => a - b) as [number, number];
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  }),
  fc.tuple(position, fc.integer({ min: 1, max: 2_000 })).map(([where, length]): Spoil => (bytes) => {
    const copy = Buffer.from(bytes);
    copy.fill(0xff, at(copy, where), Math.min(copy.length, at(copy, where) + length));
    return copy;
  }),
);

/** Spoils bytes in one to four places; now and then it puts bytes of no sense in their stead. */
export const spoiler: fc.Arbitrary<Spoil> = fc.oneof(
  {
    arbitrary: fc.array(spoil, { minLength: 1, maxLength: 4 }).map(
      (all): Spoil =>
        (sound) =>
          all.reduce((bytes, one) => one(bytes), sound),
    ),
    weight: 9,
  },
  {
    arbitrary: fc.uint8Array({ maxLength: 2_000 }).map(
      (bytes): Spoil =>
        () =>
          Buffer.from(bytes),
    ),
    weight: 1,
  },
);

/** Bytes as they should be, spoilt. */
export const spoilt = (sound: Buffer): fc.Arbitrary<Buffer> => spoiler.map((spoilIt) => spoilIt(sound));

const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(-1, 0.5, 1e308, 2 ** 53, '', '../../etc/passwd', 'a'.repeat(5_000), null, [], {}, '\u0000'),
);

/** A JSON object as it should be, with fields replaced by something strange, left out, or added. */
export const spoiltJson = (sound: Record<string, unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: strange, weight: 1 },
    {
      arbitrary: fc
        .tuple(fc.subarray(Object.keys(sound)), fc.array(strange, { minLength: 8, maxLength: 8 }), fc.nat(3))
        .map(([keys, values, how]) => {
          const copy: Record<string, unknown> = structuredClone(sound);
          keys.forEach((key, i) => {
            if (how === 0) delete copy[key];
            else copy[key] = values[i % values.length];
          });
          if (how === 3) copy.unknown = values[0];
          return copy;
        }),
      weight: 6,
    },
  );
