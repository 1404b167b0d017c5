import { Command, Option } from 'commander';
import { seededRandom } from '../../src/domain';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { exitWith } from '../lib/command';
import { drawTable } from '../lib/table';
import {
  controlPlaneParts,
  outageHeld,
  outageOfControlPlane,
  type ControlPlanePart,
} from './control-plane-outage';
import { overloadDataPlane } from './data-plane-overload';

interface Options {
  seconds: number;
  readers: number;
  slowClients: number;
  viewers: number;
  outageSeconds: number;
  outageOf: ControlPlanePart[];
  seed: number;
  portBase: number;
}

const wholeNumber = wholeNumberOption(0);
/** What a crowd may do to the 99th percentile of the delay from sealing to publication. */
const MOST_DELAY_RATIO = 1.2;

const main = async (options: Options): Promise<boolean> => {
  console.log(
    `overload bench, seed ${options.seed}. Repeat: npm run bench:overload -- --seconds ${options.seconds} --readers ${options.readers} ` +
      `--slow-clients ${options.slowClients} --viewers ${options.viewers} --outage-seconds ${options.outageSeconds} --outage-of ${options.outageOf.join(' ')} --seed ${options.seed}`,
  );
  const log = console.log;
  console.log('the data plane alone, no orchestrator');
  const media = await overloadDataPlane({ ...options, random: seededRandom(options.seed), log });
  console.log(
    drawTable(
      ['load', 'GOPs', 'delay p50 ms', 'delay p99 ms', 'origin cores', 'relay cores', 'origin MiB', ''],
      media.phases.map((p) => [
        p.phase,
        p.gopsPublished,
        p.publishDelayMsP50,
        p.publishDelayMsP99,
        p.originCores,
        p.relayCores,
        p.originMiB,
        p.detail,
      ]),
    ),
  );
  const { handoffs, handoffsRefused, delayRatio } = media.crowd;
  console.log(
    `crowd: ${handoffsRefused} of ${handoffs} changes of owner refused; publish delay p99 ${delayRatio} x that without it, at most ${MOST_DELAY_RATIO} x`,
  );
  const outage =
    options.outageSeconds > 0
      ? await outageOfControlPlane({ ...options, parts: options.outageOf, log })
      : null;
  if (outage) console.log(drawTable(['control plane', 'value'], Object.entries(outage)));
  console.log(JSON.stringify({ ...media, outage, seed: options.seed }));
  const refusedClearly = media.channelsRefused === media.channelsAsked && media.refusedWithoutReason === 0;
  const framesHeld = media.framesLost === 0 && media.gapsDeclared === 0;
  const crowdHeld = handoffsRefused === 0 && (delayRatio ?? Infinity) <= MOST_DELAY_RATIO;
  return framesHeld && refusedClearly && crowdHeld && (outage === null || outageHeld(outage));
};

const program = new Command('bench:overload')
  .description(
    'Load that should not be, and outages of Temporal and InfluxDB, while video runs; every frame is checked.',
  )
  .option('--seconds <n>', 'length of each phase of load', wholeNumber, 20)
  .option('--readers <n>', 'playlist readers', wholeNumber, 1_000)
  .option('--slow-clients <n>', 'slow clients of each kind', wholeNumber, 200)
  .option('--viewers <n>', 'idle viewers of the crowd', wholeNumber, 5_000)
  .option(
    '--outage-seconds <n>',
    'how long Temporal and InfluxDB do not answer; 0 leaves that out',
    wholeNumber,
    60,
  )
  .addOption(
    new Option('--outage-of <part...>', 'what does not answer')
      .choices(controlPlaneParts)
      .default([...controlPlaneParts], controlPlaneParts.join(' ')),
  )
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 18_100)
  .addHelpText(
    'after',
    '\nThe ten minutes of an outage that a swarm must stand:\n  npm run bench:overload -- --outage-seconds 600\n' +
      'The same of InfluxDB alone: decisions go on, with what was known.\n  npm run bench:overload -- --outage-seconds 600 --outage-of influxdb',
  )
  .parse();

exitWith(main(program.opts<Options>()));
