// @ts-check
import { createHash } from 'node:crypto';

/** Whether a mutant belongs to the sample: the same for the same seed, as long as the group's code is the same. */
const isSampled = (/** @type {string} */ seed, /** @type {number} */ share, /** @type {string} */ mutantId) =>
  createHash('sha256').update(`${seed} ${mutantId}`).digest().readUInt32BE(0) < share * 2 ** 32;

/**
 * Stryker has no sampling. It asks a checker which mutants are not worth a run (such as those that do not compile) and
 * does not count those: here, all that are outside of the sample.
 */
class SampleChecker {
  async init() {}

  async check(/** @type {readonly { id: string }[]} */ mutants) {
    const share = Number(process.env.MUTATION_SAMPLE);
    const seed = process.env.MUTATION_SEED ?? '';
    return Object.fromEntries(
      mutants.map(({ id }) => [
        id,
        isSampled(seed, share, id)
          ? { status: 'passed' }
          : { status: 'compileError', reason: 'not in the sample' },
      ]),
    );
  }
}

export const strykerPlugins = [{ kind: 'Checker', name: 'sample', injectableClass: SampleChecker }];
