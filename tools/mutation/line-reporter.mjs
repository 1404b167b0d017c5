// @ts-check
import { appendFileSync, mkdirSync } from 'node:fs';
import { relative } from 'node:path';

const COUNTED = ['Killed', 'Timeout', 'Survived', 'NoCoverage'];

/**
 * Writes a line for each mutant as soon as its fate is known, so that a run that is broken off leaves its results:
 * Stryker's own reports are made at the end.
 */
class LineReporter {
  constructor() {
    mkdirSync('reports/mutation', { recursive: true });
    this.file = `reports/mutation/${process.env.MUTATION_GROUP ?? 'ownership'}.log`;
  }

  onMutantTested(/** @type {import('@stryker-mutator/api/core').MutantResult} */ mutant) {
    const { status, fileName, location, mutatorName, replacement = '' } = mutant;
    if (!COUNTED.includes(status)) return;
    const place = `${relative(process.cwd(), fileName)}:${location.start.line}`;
    const text = replacement.replace(/\s+/g, ' ').slice(0, 80);
    appendFileSync(this.file, `${status.padEnd(10)} ${place} ${mutatorName} ${text}\n`);
  }
}

export const strykerPlugins = [{ kind: 'Reporter', name: 'lines', injectableClass: LineReporter }];
