import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { exitWith } from '../lib/command';
import { DataPlane } from '../lib/data-plane';
import { figureTable } from '../lib/table';
import { measureSwitches } from './switches';

interface Options {
  switches: number;
  seed: number;
  portBase: number;
}

const main = async ({ switches, seed, portBase }: Options): Promise<boolean> => {
  console.log(`inputs bench. Repeat: npm run bench:inputs -- --switches ${switches} --seed ${seed}`);
  const folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-inputs-'));
  const stateDir = join(folder, 'state');
  const plane = await DataPlane.start({ stateDir, portBase, encoders: 1 });
  try {
    const figures = await measureSwitches({ plane, stateDir, switches, seed, log: console.log });
    const result = { ...figures, seed };
    console.log(figureTable(result));
    console.log(JSON.stringify(result));
    const { framesMissing, framesRepeated, framesInvalid } = figures;
    return framesMissing + framesRepeated + framesInvalid === 0 && (figures.detectionMsMax ?? 0) <= 1_000;
  } finally {
    await plane.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

const program = new Command('bench:inputs')
  .description(
    'Cuts and silences the inputs of a channel, and has others put on air, through source, relay, encoder and origin, and checks every frame.',
  )
  .option('--switches <n>', 'switches between two ways of one programme', wholeNumberOption(0), 20)
  .option('--seed <n>', 'seed of every random choice', wholeNumberOption(0), 1)
  .option('--port-base <n>', 'first of the 20 ports used', wholeNumberOption(1_024, 65_000), 18_300)
  .parse();

exitWith(main(program.opts<Options>()));
