// The list of what is installed with the program (SBOM, reports/sbom.json), and known faults in it. Never fails a run: a
// registry that does not answer, or not in time, is named and left out.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LIMIT_MS = 15_000;

/** What npm printed, also where it ends with another code than 0, as `audit` does for each fault that it finds. */
const npm = async (...args) => {
  const options = { timeout: LIMIT_MS, killSignal: 'SIGKILL', maxBuffer: 1 << 26 };
  const { stdout } = await run('npm', args, options).catch((error) => {
    if (error.killed) throw new Error(`npm did not answer within ${LIMIT_MS / 1000} s`);
    return error;
  });
  return JSON.parse(stdout || '{}');
};

const part = async (what, work) => {
  try {
    console.log(`${what}: ${await work()}`);
  } catch (error) {
    console.log(`${what}: skipped, ${error.message.split('\n')[0]}`);
  }
};

await Promise.all([
  part('parts list', async () => {
    const list = await npm('sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev');
    if (!list.components) throw new Error('npm gave none');
    await mkdir('reports', { recursive: true });
    await writeFile('reports/sbom.json', JSON.stringify(list));
    return `${list.components.length} packages, in reports/sbom.json`;
  }),
  part('known faults', async () => {
    const report = await npm('audit', '--audit', '--omit', 'dev', '--json');
    const found = report.metadata?.vulnerabilities;
    if (!found) throw new Error(report.message ?? 'the registry gave no report');
    const { critical, high, moderate, low } = found;
    return `${critical} critical, ${high} high, ${moderate} moderate, ${low} low`;
  }),
]);
