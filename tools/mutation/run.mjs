// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { groups } from './groups.mjs';

const GOAL_PERCENT = 85;

const program = new Command('npm run mutation --')
  .description('Mutation testing: group by group, with the score of each file.')
  .argument('[groups...]', `all of them, if none is named: ${Object.keys(groups).join(', ')}`)
  .option('--file <path>', 'only this file of the group, or a part: src/planner/order.ts:10-40')
  .option('--sample <share>', 'only so many of the mutants, drawn at random: 0.25 is one in four', '1')
  .option('--seed <seed>', 'of the sample', '1')
  .option('--report', 'runs nothing: the scores of the last runs')
  .parse();
const { file, sample, seed, report } = program.opts();
const names = program.args.length > 0 ? program.args : Object.keys(groups);
for (const name of names) {
  if (!(name in groups)) program.error(`There is no group ${name}. Hint: ${Object.keys(groups).join(', ')}.`);
}

/** @typedef {{ killed: number, timedOut: number, lived: number }} Counts */
const total = (/** @type {Counts} */ c) => c.killed + c.timedOut + c.lived;
const percent = (/** @type {Counts} */ c) => (100 * (c.killed + c.timedOut)) / total(c);

/** By file: what became of its mutants. Those that ended the test process, and those not drawn, do not count. */
const countsOf = (/** @type {string} */ group) => {
  const path = `reports/mutation/${group}.json`;
  /** @type {Map<string, Counts>} */
  const counts = new Map();
  if (!existsSync(path)) return counts;
  for (const [name, { mutants }] of Object.entries(JSON.parse(readFileSync(path, 'utf8')).files)) {
    const of = (/** @type {string[]} */ ...states) =>
      mutants.filter((/** @type {{ status: string }} */ m) => states.includes(m.status)).length;
    const each = { killed: of('Killed'), timedOut: of('Timeout'), lived: of('Survived', 'NoCoverage') };
    if (total(each) > 0) counts.set(name, each);
  }
  return counts;
};

const row = (/** @type {string} */ name, /** @type {Counts} */ c) =>
  `| ${name.padEnd(40)} | ${[total(c), c.killed, c.timedOut, c.lived].map((n) => String(n).padStart(7)).join(' | ')} | ${percent(c).toFixed(1).padStart(5)} % |`;

for (const group of report ? [] : names) {
  if (Number(sample) < 1) console.log(`${group}: a sample of ${sample} of its mutants, seed ${seed}`);
  const { status } = spawnSync('npx', ['stryker', 'run', ...(file ? ['--mutate', file] : [])], {
    stdio: 'inherit',
    env: { ...process.env, MUTATION_GROUP: group, MUTATION_SAMPLE: sample, MUTATION_SEED: seed },
  });
  if (status !== 0) process.exitCode = 1;
}

const together = { killed: 0, timedOut: 0, lived: 0 };
console.log(`| ${'file'.padEnd(40)} | mutants |  killed | timeout |   lived |   score |`);
for (const group of names) {
  for (const [name, counts] of countsOf(group)) {
    console.log(row(name, counts));
    for (const key of /** @type {const} */ (['killed', 'timedOut', 'lived'])) together[key] += counts[key];
  }
}
console.log(row('together', together));
if (!(percent(together) >= GOAL_PERCENT)) process.exitCode = 1;
