import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { exitWith } from '../lib/command';
import { figureTable } from '../lib/table';
import { measureSplices } from './splices';

interface Options {
  splices: number;
  handoffs: number;
  kills: number;
  seed: number;
  portBase: number;
}

const main = async (options: Options): Promise<boolean> => {
  const { splices, handoffs, kills, seed } = options;
  console.log(
    `splices bench: ${splices} splices, ${handoffs} handoffs, ${kills} kills, seed ${seed}. Repeat: ` +
      `npm run bench:splices -- --splices ${splices} --handoffs ${handoffs} --kills ${kills} --seed ${seed}`,
  );
  const stateDir = await mkdtemp(join(tmpdir(), 'encoder-swarm-bench-'));
  try {
    const result = await measureSplices({ ...options, stateDir, log: console.log });
    console.log(figureTable({ ...result, seed }));
    console.log(JSON.stringify({ ...result, seed }));
    return result.splicesExact === result.splices && result.splicesMissing === 0;
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
};

const wholeNumber = wholeNumberOption(0);

const program = new Command('bench:splices')
  .description(
    'Sets splices in a channel that is moved and whose encoders are killed, and in a contribution; checks each cut.',
  )
  .option('--splices <n>', 'splices, half of them in the contribution', wholeNumber, 100)
  .option('--handoffs <n>', 'splices in whose GOP the channel is moved', wholeNumber, 20)
  .option('--kills <n>', 'splices in whose GOP its encoder is killed', wholeNumber, 10)
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--port-base <n>', 'first of the 20 ports used', wholeNumber, 18_100)
  .parse();

exitWith(main(program.opts<Options>()));
