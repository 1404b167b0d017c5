import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Stands in for npm: `lint` waits a while for `typecheck`, so that they overlap, and each step in FAILING fails. */
const NPM = `#!/usr/bin/env bash
[ "$1" = test ] && step=test || step="$3"
echo "$step begins"
touch "$STEPS/$step"
for ((i = 0; i < 500; i++)); do
  [ "$step" = lint ] && [ ! -e "$STEPS/typecheck" ] && sleep 0.02 || break
done
[ "$step" != lint ] || [ -e "$STEPS/typecheck" ] || echo "nothing ran beside lint"
if [ "$step" = test ]; then
  for arg; do case "$arg" in --outputFile=*)
    echo "$RESULTS" >"\${arg#--outputFile=}" ;; esac; done
fi
echo "$step ends"
case " $FAILING " in *" $step "*) exit 1 ;; esac
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ci-run-'));
  for (const name of ['.ci', 'scripts', 'bin', 'steps']) mkdirSync(join(folder, name));
  copyFileSync(join(__dirname, '..', '..', '.ci', 'run'), join(folder, '.ci', 'run'));
  for (const script of ['prepare', 'supply-chain'])
    writeFileSync(join(folder, 'scripts', `${script}.mjs`), '');
  writeFileSync(join(folder, 'bin', 'npm'), NPM);
  chmodSync(join(folder, 'bin', 'npm'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ci = (failing: string, failedTests = 0): { status: number | null; lines: string[] } => {
  const results = { numPassedTests: 7, numFailedTests: failedTests, numRuntimeErrorTestSuites: 0 };
  const { status, stdout } = spawnSync('bash', [join(folder, '.ci', 'run')], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
      FAILING: failing,
      STEPS: join(folder, 'steps'),
      RESULTS: JSON.stringify(results),
    },
    timeout: 40_000,
  });
  return {
    status,
    lines: stdout
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('== npm test')),
  };
};

const whole = (step: string): string[] => [`== npm run --silent ${step}`, `${step} begins`, `${step} ends`];
const failed = (step: string): string => `FAILED: npm run --silent ${step}`;

test('steps run beside one another, and the output of each stands whole', () => {
  expect(ci('')).toEqual({
    status: 0,
    lines: [
      ...[...whole('lint'), ...whole('format'), ...whole('typecheck')],
      ...['test begins', 'test ends', '7 passed, 0 failed'],
    ],
  });
});

test.each([
  ['lint', 1],
  ['format', 1],
  ['typecheck', 1],
  ['lint format typecheck', 3],
])('a failure of %s is named and counted', (failing, count) => {
  const { status, lines } = ci(failing);
  expect(status).toBe(1);
  expect(lines.filter((line) => line.startsWith('FAILED'))).toEqual(failing.split(' ').map(failed));
  for (const step of failing.split(' ')) expect(lines[lines.indexOf(failed(step)) - 1]).toBe(`${step} ends`);
  expect(lines.at(-1)).toBe(`7 passed, ${count} failed`);
});

test('where tests fail, their number is the last line', () => {
  const { status, lines } = ci('lint', 2);
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe('7 passed, 2 failed');
});
