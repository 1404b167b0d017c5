import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { exitWith } from '../lib/command';
import { DataPlane } from '../lib/data-plane';
import { figureTable } from '../lib/table';
import { measureSplices } from './splices';
import { measureSwitches } from './switches';

interface Options {
  switches: number;
  splices: number;
  handoffs: number;
  kills: number;
  seed: number;
  portBase: number;
}

const main = async (options: Options): Promise<boolean> => {
  const { switches, splices, handoffs, kills, seed, portBase } = options;
  console.log(
    `inputs bench. Repeat: npm run bench:inputs -- --switches ${switches} --splices ${splices} ` +
      `--handoffs ${handoffs} --kills ${kills} --seed ${seed}`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-inputs-'));
  const stateDir = join(folder, 'state');
  try {
    const log = console.log;
    let isGood = true;
    let result = {};
    if (switches > 0) {
      const plane = await DataPlane.start({ stateDir, portBase, encoders: 1 });
      const figures = await measureSwitches({ plane, stateDir, switches, seed, log }).finally(() =>
        plane.stop(),
      );
      const { framesMissing, framesRepeated, framesInvalid, detectionMsMax } = figures;
      isGood = framesMissing + framesRepeated + framesInvalid === 0 && (detectionMsMax ?? 0) <= 1_000;
      result = figures;
    }
    if (splices > 0) {
      const cuts = await measureSplices({ ...options, stateDir: join(folder, 'splices'), log });
      isGood &&= cuts.splicesExact === cuts.splices && cuts.splicesMissing === 0;
      result = { ...result, ...cuts };
    }
    console.log(figureTable({ ...result, seed }));
    console.log(JSON.stringify({ ...result, seed }));
    return isGood;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const program = new Command('bench:inputs')
  .description(
    'Cuts and silences the inputs of a channel, and has others put on air, through source, relay, encoder and origin, and ' +
      'checks every frame. Then sets splices in a channel that is moved and whose encoders are killed, and checks each cut.',
  )
  .option(
    '--switches <n>',
    'switches between two ways of one programme; 0: leaves them out',
    wholeNumberOption(0),
    20,
  )
  .option(
    '--splices <n>',
    'splices, half of them in the contribution; 0: leaves them out',
    wholeNumberOption(0),
    100,
  )
  .option('--handoffs <n>', 'splices in whose GOP the channel is moved', wholeNumberOption(0), 20)
  .option('--kills <n>', 'splices in whose GOP its encoder is killed', wholeNumberOption(0), 10)
  .option('--seed <n>', 'seed of every random choice', wholeNumberOption(0), 1)
  .option('--port-base <n>', 'first of the 20 ports used', wholeNumberOption(1_024, 65_000), 18_300)
  .parse();

exitWith(main(program.opts<Options>()));
