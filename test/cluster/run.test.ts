import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readClusterOptions, readTestOptions } from '../../bench/cluster/options';
import { failuresOf, resultOf, type SuiteRun } from '../../bench/cluster/result';
import { argumentsOf } from '../../bench/cluster/suites';

const silent = (command: Command): Command =>
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
const options = (...args: string[]) => readTestOptions(['node', 'main', ...args], silent);

describe('options', () => {
  test('have defaults, and a seed of the moment', () => {
    expect(options()).toMatchObject({
      ...{ minutes: 5, only: ['handoff', 'rollout', 'chaos'], portBase: 21_000, keep: false },
    });
    expect(Number.isInteger(options().seed)).toBe(true);
    expect(readClusterOptions(['node', 'by-hand'], silent)).toEqual({
      portBase: 17_230,
      namespace: 'default',
    });
  });

  test('are read', () => {
    expect(options('--minutes', '0.5', '--seed', '3', '--only', 'chaos', '--only', 'handoff')).toMatchObject({
      ...{ minutes: 0.5, seed: 3, only: ['chaos', 'handoff'] },
    });
  });

  test.each([
    ['--minutes', '0'],
    ['--minutes', ''],
    ['--seed', '1.5'],
    ['--seed', '-1'],
    ['--only', 'storm'],
    ['--port-base', '80'],
    ['--hours', '1'],
    ['--help'],
  ])('%s %s is refused, or answered with the help', (...args) => {
    expect(() => options(...args)).toThrow();
  });
});

test('each suite gets the seed, its ports, and what its bench knows', () => {
  const of = (name: 'handoff' | 'rollout' | 'chaos') =>
    argumentsOf(name, { seed: 4, portBase: 21_020, reportDir: '/r' });
  for (const name of ['handoff', 'rollout', 'chaos'] as const)
    expect(of(name).join(' ')).toContain('--seed 4 --port-base 21020');
  // Options that a bench does not have would end it at once.
  for (const name of ['handoff', 'rollout', 'chaos'] as const) {
    const bench = ['main.ts', ...(name === 'rollout' ? ['options.ts'] : [])]
      .map((file) => readFileSync(join(__dirname, '..', '..', 'bench', name, file), 'utf8'))
      .join('');
    for (const option of of(name).filter((text) => text.startsWith('--')))
      expect(bench).toContain(`${option} <`);
  }
});

const run = (more: Partial<SuiteRun> = {}): SuiteRun => ({
  ...{ name: 'handoff', ok: true, loadMs: 90_000, unresolved: [], fenceFaults: [] },
  outcomes: {
    'handoff completed': 3,
    'handoff compensated': 1,
    'recovery recovered': 2,
    'rollout completed': 1,
  },
  frames: { framesChecked: 100, framesLost: 0, framesRepeated: 0, gapsDeclared: 2 },
  kills: { frontend: 1, history: 2, matching: 1, database: 1, worker: 3 },
  ...more,
});

test('the result adds up all suites', () => {
  const other = run({ outcomes: { 'handoff refused': 1 }, unresolved: ['handoff/ch-1/3 running'] });
  expect(resultOf([run(), other], 9)).toEqual({
    ...{ sagas: 9, completed: 4, compensated: 1, recovered: 2, unfinished: 1 },
    ...{ framesChecked: 200, framesLost: 0, framesRepeated: 0, gapsDeclared: 4, doubleOwners: 0 },
    ...{ killsOfFrontend: 2, killsOfHistory: 4, killsOfMatching: 2, killsOfDatabase: 2, killsOfWorker: 6 },
    ...{ minutes: 3, seed: 9 },
  });
});

test('everything that went wrong fails the test', () => {
  expect(failuresOf([run()])).toEqual([]);
  const faults: Partial<SuiteRun>[] = [
    { ok: false },
    { frames: null },
    { frames: { framesChecked: 100, framesLost: 1, framesRepeated: 0, gapsDeclared: 0 } },
    { frames: { framesChecked: 100, framesLost: 0, framesRepeated: 1, gapsDeclared: 0 } },
    { unresolved: ['recovery/ch-1/2 running'] },
    { fenceFaults: ['ch-1: token 4 was used by enc-1/a and enc-2/b'] },
  ];
  for (const fault of faults) expect(failuresOf([run(), run(fault)])).toHaveLength(1);
});
