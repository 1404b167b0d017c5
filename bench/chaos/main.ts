import { randomInt } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { awaitFirstGops } from '../../src/acceptance/first-gops';
import type { Environment } from '../../src/config/config';
import { SwarmError, TICKS_PER_SECOND, channelWithDefaults } from '../../src/domain';
import type { RunningSwarm } from '../../src/launch/swarm';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { outliveStandardStreams } from '../../src/platform/lifecycle';
import { onInterrupt } from '../../src/platform/processes/interrupts';
import {
  PORTS_IN_A_BASE,
  StepReporter,
  findOrInstallFaketime,
  findOrInstallFfmpeg,
  findOrInstallToxiproxy,
  portsFor,
} from '../../src/setup';
import { connectTemporal } from '../../src/temporal/client';
import { verifierFfmpegPaths } from '../../src/verify';
import { startBenchSwarm } from '../lib/bench-swarm';
import { currentCommit } from '../lib/commit';
import { keepEncoders } from '../lib/keep-encoders';
import { tellParent } from '../lib/told-parent';
import { ChaosRun } from './chaos-run';
import { Clocks } from './clocks';
import { Continuity } from './continuity';
import { clockSpans, clockTargets, kindOf } from './faults';
import { Injector } from './injector';
import { LiveInput } from './live-input';
import { MemoryDisk } from './memory-disk';
import { drawPlan, faultKinds } from './plan';
import { ChaosProgress } from './progress';
import { Proxies } from './proxies';
import { failuresOf, resultOf, type ChaosFacts } from './result';
import { sabotages, type Sabotage } from './sabotage';
import { timelineText } from './timeline';
import { timelineSvg } from './timeline-svg';

const ENCODER_CAPACITY_UNITS = 6;
/** The channel with a live input. The others have generated pictures. */
const LIVE_CHANNEL = 'live-1';
const ON_AIR_LIMIT_MS = 60_000;
/** Longer than any stretch waits for its check, and than any clock is set back or forth. */
const RETENTION_SECONDS = 3_600;
const FAILURES_SHOWN = 40;
const EXIT_INTERRUPTED = 130;

interface Options {
  minutes: number;
  seed: number;
  channels: number;
  encoders: number;
  portBase: number;
  report: string;
  without: string[];
  keep: boolean;
  sabotage?: Sabotage;
}

const numberFrom =
  (least: number, most: number, whole = true) =>
  (text: string): number => {
    const value = Number(text);
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
  };

const program = new Command('npm run chaos --')
  .description(
    'Runs a whole swarm while its parts are killed, stopped, cut off, delayed, filled up and given wrong clocks, ' +
      'files damaged, an input taken away and second processes started, and checks every frame from outside. ' +
      'docs/reference/chaos.md has more.',
  )
  .option('--minutes <M>', 'how long faults go on', numberFrom(0.5, 1_440, false), 5)
  .option('--seed <S>', 'decides every fault', numberFrom(0, 2 ** 32 - 1), randomInt(1e6))
  .option('--channels <N>', 'channels on air all the time', numberFrom(1, 8), 4)
  .option('--encoders <N>', 'encoder hosts to start with', numberFrom(3, 6), 4)
  .option('--port-base <N>', 'first of the 80 ports used', numberFrom(1_024, 65_000), 20_000)
  .option('--report <DIR>', 'folder for timeline and figures', 'chaos-report')
  .option('--without <KIND>', 'leave a kind of fault out, such as "kill relay"; repeatable', collect, [])
  .option('--keep', 'keep the state folder with its logs', false)
  .addOption(
    new Option('--sabotage <WAY>', 'break the swarm so that the run must fail').choices(sabotages).hideHelp(),
  )
  .addHelpText(
    'after',
    `\nKinds of faults:\n${kindsInLines()}\n` +
      '\nThe last line is one JSON object; exit code 0 if nothing was lost or repeated, no channel had two owners, every\n' +
      'saga ended, and gaps were declared only where the ring was exhausted. Ctrl-C ends all that was started.',
  );

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** All kinds, in lines of at most 100 characters. */
function kindsInLines(): string {
  return faultKinds
    .reduce<string[]>((lines, kind) => {
      const longer = lines.length === 0 ? `  ${kind}` : `${lines.at(-1)}, ${kind}`;
      return longer.length > 100 ? [...lines, `  ${kind}`] : [...lines.slice(0, -1), longer];
    }, [])
    .join(',\n');
}

const repeatCommand = (options: Options): string =>
  [
    `npm run chaos -- --minutes ${options.minutes} --seed ${options.seed} --channels ${options.channels} --encoders ${options.encoders}`,
    ...options.without.map((kind) => `--without "${kind}"`),
    ...(options.sabotage ? [`--sabotage ${options.sabotage}`] : []),
  ].join(' ');

/** The plan of faults counts on the encoders that the swarm starts with. */
const keepThese = async (environment: Environment, encoders: number): Promise<void> => {
  const temporal = await connectTemporal(environment);
  const bounds = { least: encoders, most: encoders + 1 };
  await keepEncoders(temporal.client, environment.SWARM_CELL, bounds).finally(() => temporal.close());
};

/** What was started, ended in the opposite order. */
class Cleanups {
  private readonly ends: { name: string; end: () => Promise<unknown> }[] = [];

  add(name: string, end: () => Promise<unknown>): void {
    this.ends.push({ name, end });
  }

  async run(say: (line: string) => void): Promise<void> {
    for (const { name, end } of this.ends.splice(0).reverse()) {
      await end().catch((error: unknown) => say(`${name} did not end: ${(error as Error).message}`));
    }
  }
}

/**
 * Puts the state on a disk that can be made full, and the origin's on one of its own.
 * @param keptIn where all that is on them is copied to in the end; null: nowhere
 * @throws Error that says why this user may not mount
 */
const mountDisks = async (
  stateDir: string,
  cleanups: Cleanups,
  keptIn: string | null,
): Promise<{ origin: MemoryDisk; state: MemoryDisk }> => {
  const state = await MemoryDisk.mount(stateDir);
  cleanups.add('disk of the state', () => state.unmount());
  const origin = await MemoryDisk.mount(join(stateDir, 'origin'));
  cleanups.add('disk of the origin', async () => {
    if (keptIn !== null) await cp(stateDir, keptIn, { recursive: true });
    await origin.unmount();
  });
  return { origin, state };
};

const main = async (options: Options): Promise<number> => {
  const interrupted = new AbortController();
  const { signal } = interrupted;
  let swarm: RunningSwarm | null = null;
  let signals = 0;
  onInterrupt((how) => {
    if (how !== 'npm ended') signals += 1;
    if (signals > 1) swarm?.killNow();
    interrupted.abort();
  });
  const progress = new ChaosProgress(process.stdout, options.minutes * 60_000);
  const say = (line: string): void => progress.line(line);
  const reporter = new StepReporter(process.stdout);
  const cleanups = new Cleanups();
  reporter.line(`chaos: ${options.minutes} min, seed ${options.seed}. Repeat: ${repeatCommand(options)}`);
  try {
    const runFolder = await mkdtemp(join(tmpdir(), 'encoder-swarm-chaos-'));
    const stateDir = join(runFolder, 'state');
    cleanups.add('folder', async () => {
      if (options.keep) console.log(`state and logs are kept in ${runFolder}`);
      else await rm(runFolder, { recursive: true, force: true });
    });
    const leftOut = new Map(options.without.map((kind) => [kind, 'not wanted']));

    const toxiproxy = await reporter.step(
      'Toxiproxy',
      (tell) => findOrInstallToxiproxy({ env: process.env, progress: tell, signal }),
      (found) => `${found.path} (${found.how})`,
    );
    const clockParts = [
      ...clockTargets.filter((target) => target !== 'encoder'),
      ...Array.from({ length: 8 }, (_, i) => `enc-${i + 1}`),
    ];
    const clocks = await findOrInstallFaketime({ env: process.env, progress: () => {}, signal })
      .then((found) => Clocks.create(found.path, join(runFolder, 'clocks'), clockParts))
      .catch((error: unknown) => {
        for (const target of clockTargets) {
          for (const span of clockSpans)
            leftOut.set(kindOf({ group: 'clock', target, span, jumpMs: 0 }), (error as Error).message);
        }
        return null;
      });
    const disks = await mountDisks(stateDir, cleanups, options.keep ? join(runFolder, 'kept') : null).catch(
      (error: unknown) => {
        const why = (error as Error).message;
        leftOut.set(kindOf({ group: 'disk', target: 'origin' }), why);
        leftOut.set(kindOf({ group: 'disk', target: 'state', kills: 'origin' }), why);
        return null;
      },
    );
    for (const [kind, why] of leftOut) reporter.line(`  LEFT OUT: ${kind}: ${why}`);

    const ports = portsFor(options.portBase, process.env);
    const proxies = await Proxies.start({
      program: toxiproxy.path,
      portBase: options.portBase + PORTS_IN_A_BASE,
      swarmPorts: ports,
    });
    cleanups.add('Toxiproxy', () => proxies.stop());
    const { ffmpegPath } = await findOrInstallFfmpeg({ env: process.env, progress: () => {}, signal });
    const liveInput = await LiveInput.start(ffmpegPath);
    cleanups.add('live input', () => liveInput.stop());
    const channels = [
      ...Array.from({ length: options.channels }, (_, i) => channelWithDefaults(`ch-${i + 1}`)),
      channelWithDefaults(LIVE_CHANNEL, { kind: 'url', url: liveInput.url }),
    ];
    let run: ChaosRun | null = null;
    swarm = await startBenchSwarm({
      stateDir,
      portBase: options.portBase,
      env: { ...process.env, SWARM_RETENTION_SECONDS: String(RETENTION_SECONDS) },
      encoderCount: options.encoders,
      encoderCapacityUnits: ENCODER_CAPACITY_UNITS,
      audienceAnchor: 'restart',
      channels,
      reporter,
      signal,
      onEvent: (event) => (run ? run.note(event.text) : say(event.text)),
      rig: {
        variablesOf: (part, port) => ({
          ...proxies.rig.variablesOf(part, port),
          ...clocks?.variablesOf(part),
        }),
        encoderAddressOf: (port) => proxies.rig.encoderAddressOf(port),
      },
    });
    cleanups.add('swarm', swarm.stop);
    await reporter.step('on air', () =>
      awaitFirstGops({
        sourceUrl: swarm!.environment.SWARM_SOURCE_URL,
        originUrl: swarm!.environment.SWARM_ORIGIN_URL,
        channelIds: channels.map((c) => c.id),
        sinceMs: swarm!.startedAtMs,
        limitMs: ON_AIR_LIMIT_MS,
        signal,
      }),
    );
    await keepThese(swarm.environment, options.encoders);

    const lastsMs = options.minutes * 60_000;
    const plan = drawPlan({
      lastsMs,
      seed: options.seed,
      encoders: options.encoders,
      without: new Set(leftOut.keys()),
    });
    reporter.line(`  ${plan.length} faults are drawn`);
    const injector = new Injector({
      swarm,
      proxies,
      disks,
      clocks,
      liveInput: { id: LIVE_CHANNEL, input: liveInput },
      onBegan: (fault) => {
        run?.faultBegan(fault);
        say(`#${fault.number} ${fault.part}: ${fault.words}`);
      },
      onEnded: (fault) => {
        if (fault.skipped !== null) say(`#${fault.number} ${fault.kind} skipped: ${fault.skipped}`);
      },
    });
    cleanups.add('faults', () => injector.endAll());
    const continuity = new Continuity({
      originUrl: swarm.environment.SWARM_ORIGIN_URL,
      key: await loadOrCreateStampKey(stateDir),
      ffmpegPaths: await verifierFfmpegPaths(swarm.environment),
      unstamped: [LIVE_CHANNEL],
    });
    cleanups.add('continuity check', () => continuity.stop());
    const commit = await currentCommit();
    run = new ChaosRun({
      ...{ swarm, injector, continuity, plan, lastsMs, signal, say },
      seed: options.seed,
      gopMs: (channels[0]!.gopDurationTicks * 1_000) / TICKS_PER_SECOND,
      title: `${options.minutes} min of chaos, seed ${options.seed}, commit ${commit}`,
      sabotage: options.sabotage ?? null,
      onProgress: (done) => progress.update(done),
    });
    tellParent({ kind: 'load-begins' });
    await run.perform();
    tellParent({ kind: 'load-ends' });
    progress.stop();
    if (signal.aborted) return EXIT_INTERRUPTED;

    const concluded = await run.conclude();
    const facts: ChaosFacts = {
      ...{ minutes: options.minutes, seed: options.seed, commit, continuity: continuity.totals },
      faults: injector.injected,
      kindsLeftOut: [...leftOut.keys()],
      ...concluded,
      troubles: [...concluded.troubles, ...injector.troubles],
    };
    const result = resultOf(facts);
    const failures = failuresOf(facts);
    const timeline = await run.timeline();
    const folder = resolve(process.env.INIT_CWD ?? process.cwd(), options.report);
    await mkdir(folder, { recursive: true });
    await Promise.all([
      writeFile(join(folder, 'timeline.svg'), timelineSvg(timeline)),
      writeFile(join(folder, 'timeline.txt'), timelineText(timeline)),
      writeFile(join(folder, 'result.json'), `${JSON.stringify({ ...result, failures }, null, 2)}\n`),
    ]);
    console.log(`timeline: ${join(folder, 'timeline.svg')}, ${join(folder, 'timeline.txt')}`);
    for (const failure of failures.slice(0, FAILURES_SHOWN)) console.log(`  ✗ ${failure}`);
    if (failures.length > FAILURES_SHOWN) console.log(`  ✗ and ${failures.length - FAILURES_SHOWN} more`);
    if (!result.ok) console.log(`To repeat it: ${repeatCommand(options)}`);
    await cleanups.run(say);
    console.log(JSON.stringify(result));
    return result.ok ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return EXIT_INTERRUPTED;
    throw error;
  } finally {
    progress.stop();
    await cleanups.run(say);
  }
};

outliveStandardStreams();
main(program.parse().opts<Options>()).then(
  (status) => process.exit(status),
  (error: unknown) => {
    const { message, hint, stack } = error as SwarmError;
    console.error(error instanceof SwarmError ? `${message}${hint ? `\nHint: ${hint}` : ''}` : stack);
    process.exit(1);
  },
);
