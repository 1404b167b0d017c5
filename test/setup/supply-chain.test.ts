import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = join(__dirname, '..', '..', 'scripts', 'supply-chain.mjs');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supply-chain-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs the script with an npm that answers this to `npm sbom` and `npm audit`. */
const say = async (sbom: object, audit: object, code: number): Promise<string> => {
  const npm = join(folder, 'npm');
  const answer = (value: object): string => `'${JSON.stringify(value)}'`;
  const body = `case $1 in sbom) echo ${answer(sbom)};; audit) echo ${answer(audit)}; exit ${code};; esac`;
  await writeFile(npm, `#!/bin/sh\n${body}\n`);
  await chmod(npm, 0o755);
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  return (await run(process.execPath, [script], { cwd: folder, env })).stdout;
};

test('what is installed is listed, and known faults are counted', async () => {
  const vulnerabilities = { critical: 1, high: 2, moderate: 0, low: 3 };
  const told = await say({ components: [{}, {}] }, { metadata: { vulnerabilities } }, 1);
  expect(told).toContain('parts list: 2 packages, in reports/sbom.json');
  expect(told).toContain('known faults: 1 critical, 2 high, 0 moderate, 3 low');
  expect(JSON.parse(await readFile(join(folder, 'reports', 'sbom.json'), 'utf8'))).toHaveProperty(
    'components',
  );
});

test('a registry that gives no report fails no run, and is named', async () => {
  const told = await say({}, { message: '405 Method Not Allowed' }, 1);
  expect(told).toContain('parts list: skipped, npm gave none');
  expect(told).toContain('known faults: skipped, 405 Method Not Allowed');
});
