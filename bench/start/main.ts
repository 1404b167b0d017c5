import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { percentile } from '../../src/domain/statistics';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { findOrInstallTools, portsFor, StepReporter } from '../../src/setup';
import { exitWith } from '../lib/command';
import { rounded } from '../lib/statistics';
import { drawTable, figureTable } from '../lib/table';
import { bundleBareWorkflow, timeBareStart } from './bare-start';
import type { ChildOptions, Started } from './child-protocol';

const wholeNumber = wholeNumberOption(1);
const END_LIMIT_MS = 20_000;

interface Options {
  starts: number;
  channels: number;
  encoders: number;
  portBase: number;
}

const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()));

/** Starts a swarm in a process of its own, waits until every channel is on air, and ends it. */
const oneStart = async (options: Omit<ChildOptions, 'sinceMs'>): Promise<Started> => {
  // npm's variables would have the child look for npm's end.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const given: ChildOptions = { ...options, sinceMs: Date.now() };
  const child = spawn(process.execPath, [join(__dirname, 'swarm-child.js'), JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  });
  const endNow = (): void => void child.kill('SIGTERM');
  process.once('exit', endNow);
  try {
    const started = await new Promise<Started>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => resolve(JSON.parse(line) as Started));
      child.once('exit', (code) =>
        reject(new Error(`The swarm did not start: its launcher ended with ${code}.`)),
      );
    });
    return started;
  } finally {
    child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
    await exited(child);
    clearTimeout(limit);
    process.off('exit', endNow);
  }
};

const ms = (value: number | null | undefined): number | null =>
  value === null || value === undefined ? null : Math.round(value);

const main = async ({ starts, channels, encoders, portBase }: Options): Promise<boolean> => {
  console.log(
    `start bench: ${starts} starts that resume ${channels} channels on ${encoders} encoders, each beside a bare start of ` +
      `Temporal. Repeat: npm run bench:start -- --starts ${starts} --channels ${channels} --encoders ${encoders}`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-bench-'));
  try {
    const tools = await findOrInstallTools(process.env, new StepReporter(process.stdout));
    if (!('path' in tools.temporal))
      throw new Error('Unset TEMPORAL_ADDRESS: the bench starts a server of its own.');
    const temporal = tools.temporal.path;
    const bareFolder = join(folder, 'bare');
    await mkdir(bareFolder);
    const bundle = await bundleBareWorkflow(folder);
    const ports = portsFor(portBase, {});
    const bare = (): Promise<number> =>
      timeBareStart({ temporal, folder: bareFolder, bundle, port: ports.temporal, uiPort: ports.temporalUi });
    const swarm = (): Promise<Started> =>
      oneStart({ stateDir: join(folder, 'swarm'), portBase, channels, encoders });

    // Both make their databases in the first start, which is not counted.
    await bare();
    const first = await swarm();
    console.log(`first start: all channels on air after ${ms(Math.max(...first.firstGopsMs))} ms`);
    const bareMs: number[] = [];
    const resumed: Started[] = [];
    for (let i = 0; i < starts; i++) {
      bareMs.push(await bare());
      resumed.push(await swarm());
      const onAirMs = Math.max(...resumed[i]!.firstGopsMs);
      console.log(`  ${i + 1}/${starts}: bare ${ms(bareMs[i])} ms, all channels on air ${ms(onAirMs)} ms`);
    }
    const onAirMs = resumed.map(({ firstGopsMs }) => Math.max(...firstGopsMs));
    const ratios = onAirMs.map((time, i) => time / bareMs[i]!);
    const stages = resumed[0]!.stages.map(({ name }) => {
      const times = resumed.flatMap((r) => r.stages.filter((s) => s.name === name).map((s) => s.afterMs));
      return [name, ms(percentile(times, 50))] as [string, number | null];
    });
    console.log(drawTable(['step of a start', 'done after ms, median'], stages));
    const result = {
      starts,
      channels,
      encoders,
      firstStartMs: ms(Math.max(...first.firstGopsMs)),
      bareStartMsP50: ms(percentile(bareMs, 50)),
      onAirMsP50: ms(percentile(onAirMs, 50)),
      onAirMsMax: ms(Math.max(...onAirMs)),
      readyMsP50: ms(
        percentile(
          resumed.map(({ readyMs }) => readyMs),
          50,
        ),
      ),
      ratioToBareP50: rounded(percentile(ratios, 50), 2),
      ratioToBareMax: rounded(Math.max(...ratios), 2),
    };
    console.log(figureTable(result));
    console.log(JSON.stringify(result));
    return resumed.every(({ firstGopsMs }) => firstGopsMs.length === channels);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const program = new Command('bench:start')
  .description(
    'Starts a swarm again and again on the state of the start before, and times how soon every channel is on air, beside a ' +
      'Temporal development server with one worker and one empty workflow.',
  )
  .option('--starts <n>', 'starts that are counted', wholeNumber, 10)
  .option('--channels <n>', 'channels of the swarm; more than 6 have small pictures', wholeNumber, 6)
  .option('--encoders <n>', 'encoder hosts', wholeNumber, 3)
  .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 18_000)
  .parse();

exitWith(main(program.opts<Options>()));
