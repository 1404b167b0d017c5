import { Command, Option } from 'commander';
import { wholeNumberOption } from '../../src/platform/terminal/number-option';
import { exitWith } from '../lib/command';
import { drawTable } from '../lib/table';
import {
  controlPlaneParts,
  outageHeld,
  outageOfControlPlane,
  type ControlPlanePart,
} from './control-plane-outage';
import { overloadDataPlane, type CrowdFigures } from './data-plane-overload';

interface Options {
  seconds: number;
  rounds: number;
  readers: number;
  segmentReaders: number;
  slowClients: number;
  viewers: number;
  outageSeconds: number;
  outageOf: ControlPlanePart[];
  seed: number;
  profile?: string;
  portBase: number;
}

const wholeNumber = wholeNumberOption(0);
/** What a crowd may do to the 99th percentile of the delay from sealing to publication. */
const MOST_DELAY_RATIO = 1.2;

const compared = (figures: CrowdFigures): string =>
  figures.rounds === 0
    ? 'not measured'
    : `publish delay p99 ${figures.publishDelayMsP99With} ms of ${figures.gopsWith} GOPs, ${figures.delayRatio} x the ` +
      `${figures.publishDelayMsP99Without} ms of ${figures.gopsWithout} beside a process with as much CPU ` +
      `(${figures.coresOfCrowd} and ${figures.coresOfControl} cores); at most ${MOST_DELAY_RATIO} x`;

/** One that was left out holds. */
const held = ({ rounds, delayRatio }: CrowdFigures): boolean =>
  rounds === 0 || (delayRatio ?? Infinity) <= MOST_DELAY_RATIO;

const main = async (options: Options): Promise<boolean> => {
  console.log(
    `overload bench, seed ${options.seed}. Repeat: npm run bench:overload -- --seconds ${options.seconds} --rounds ${options.rounds} ` +
      `--readers ${options.readers} --segment-readers ${options.segmentReaders} --slow-clients ${options.slowClients} --viewers ${options.viewers} --outage-seconds ${options.outageSeconds} --outage-of ${options.outageOf.join(' ')} --seed ${options.seed}`,
  );
  const log = console.log;
  console.log('the data plane alone, no orchestrator');
  const media = await overloadDataPlane({ ...options, log });
  console.log(
    drawTable(
      [
        'load',
        'GOPs',
        'delay p50 ms',
        'delay p99 ms',
        'origin cores',
        'player cores',
        'relay cores',
        'origin MiB',
        '',
      ],
      media.phases.map((p) => [
        p.phase,
        p.gopsPublished,
        p.publishDelayMsP50,
        p.publishDelayMsP99,
        p.originCores,
        p.playerCores,
        p.relayCores,
        p.originMiB,
        p.detail,
      ]),
    ),
  );
  const { crowd, readers } = media;
  console.log(
    `crowd: ${crowd.handoffsRefused} of ${crowd.handoffs} changes of owner refused; ${compared(crowd)}`,
  );
  console.log(`readers: ${readers.failures} requests failed; ${compared(readers)}`);
  console.log(
    'Crowd and control stand in processes of their own, in sessions of their own and at the same nice value as every part.',
  );
  const outage =
    options.outageSeconds > 0
      ? await outageOfControlPlane({ ...options, parts: options.outageOf, log })
      : null;
  if (outage) console.log(drawTable(['control plane', 'value'], Object.entries(outage)));
  console.log(JSON.stringify({ ...media, outage, seed: options.seed }));
  const refusedClearly = media.channelsRefused === media.channelsAsked && media.refusedWithoutReason === 0;
  const framesHeld = media.framesLost === 0 && media.gapsDeclared === 0;
  const crowdHeld = crowd.handoffsRefused === 0 && readers.failures === 0 && held(crowd) && held(readers);
  return framesHeld && refusedClearly && crowdHeld && (outage === null || outageHeld(outage));
};

const program = new Command('bench:overload')
  .description(
    'Load that should not be, and outages of Temporal and InfluxDB, while video runs; every frame is checked.',
  )
  .option('--seconds <n>', 'length of each phase of load', wholeNumber, 20)
  .option('--rounds <n>', 'how often with and without a crowd are measured in turn', wholeNumber, 3)
  .option(
    '--readers <n>',
    'playlist readers; 0 with no segment readers leaves readers out',
    wholeNumber,
    1_000,
  )
  .option('--segment-readers <n>', 'segment readers at the same time', wholeNumber, 1_000)
  .option('--slow-clients <n>', 'slow clients of each kind; 0 leaves them out', wholeNumber, 200)
  .option('--viewers <n>', 'idle viewers of the crowd; 0 leaves it out', wholeNumber, 5_000)
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
  .option('--profile <folder>', 'where to leave a CPU profile of the origin')
  .option('--seed <n>', 'seed of every random choice', wholeNumber, 1)
  .option('--port-base <n>', 'first of the 40 ports used', wholeNumber, 18_100)
  .addHelpText(
    'after',
    '\nThe ten minutes of an outage that a swarm must stand:\n  npm run bench:overload -- --outage-seconds 600\n' +
      'The same of InfluxDB alone: decisions go on, with what was known.\n  npm run bench:overload -- --outage-seconds 600 --outage-of influxdb',
  )
  .parse();

exitWith(main(program.opts<Options>()));
