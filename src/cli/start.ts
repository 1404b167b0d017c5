import { writeFile } from 'node:fs/promises';
import { boundedRun } from '../acceptance/bounded-run';
import { awaitFirstGops } from '../acceptance/first-gops';
import { MovesWatch, moveInWords } from '../acceptance/moves-watch';
import { reportInWords } from '../acceptance/run-report';
import { operations } from '../contracts/api';
import { callApi } from '../contracts/api/client';
import {
  SwarmError,
  channelWithDefaults,
  defaultChannel,
  defaultGopTicks,
  type ChannelSpec,
} from '../domain';
import { parseInput, withInputs } from '../launch/channel-inputs';
import type { Replicas } from '../launch/replicas';
import { startSwarm, type RunningSwarm } from '../launch/swarm';
import { whereToLook } from '../launch/where-to-look';
import { keepFilesOwn, outliveStandardStreams } from '../platform/lifecycle';
import { onInterrupt } from '../platform/processes/interrupts';
import { StepReporter } from '../setup';
import { createStartProgram, unitsOfEach, type StartOptions } from './start-program';
import { requireWritable } from './writable';

const generatedChannel = (
  id: string,
  { picture, sound }: Pick<StartOptions, 'picture' | 'sound'>,
): ChannelSpec => {
  const drawn = sound && { sound };
  if (!picture && !sound) return defaultChannel(id);
  if (!picture) return channelWithDefaults(id, { kind: 'generated', ...drawn });
  const { widthPx, heightPx, rate } = picture;
  return {
    ...channelWithDefaults(id, { kind: 'generated', widthPx, heightPx, ...drawn }),
    framesPerSecond: rate,
    gopDurationTicks: defaultGopTicks(rate),
  };
};

const ON_AIR_LIMIT_MS = 60_000;
const EVENTS_POLL_MS = 2_000;
const EXIT_INTERRUPTED = 130;

const showError = (error: unknown): void => {
  const { message, hint } = error as SwarmError;
  console.error(`\n${message}${hint ? `\nHint: ${hint}` : ''}`);
};

/** First signal: stop in order; second: at once. The end of npm counts as a signal. */
const stopOnSignals = (current: () => RunningSwarm | null, interrupted: AbortController): void => {
  let count = 0;
  onInterrupt((how) => {
    // A Ctrl-C ends npm too: the end of npm is no second one.
    if (how !== 'npm ended') count += 1;
    if (count <= 1) {
      interrupted.abort();
      return;
    }
    current()?.killNow();
    process.exit(EXIT_INTERRUPTED);
  });
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const main = async (options: StartOptions): Promise<number> => {
  const startedAtMs = performance.timeOrigin;
  const durationSeconds = options.duration ?? null;
  if (options.report !== undefined) await requireWritable('--report', options.report);
  const inputFolder = process.env.INIT_CWD ?? process.cwd();
  const inputs = await Promise.all(options.input.map((text) => parseInput(text, inputFolder)));
  const channels = withInputs(
    Array.from({ length: options.channels }, (_, i) => generatedChannel(`ch-${i + 1}`, options)),
    inputs,
  );
  const encoders = Array.from({ length: options.encoders }, (_, i) => ({
    id: `enc-${i + 1}`,
    zone: i % 2 ? 'b' : 'a',
  }));

  const reporter = new StepReporter(process.stdout);
  const say = (line: string): void => reporter.line(`  ${new Date().toLocaleTimeString('en-GB')} ${line}`);
  const interrupted = new AbortController();
  let swarm: RunningSwarm | null = null;
  stopOnSignals(() => swarm, interrupted);
  let stopped: Promise<void> | null = null;
  const stopSwarm = async (): Promise<void> => {
    if (swarm) await (stopped ??= reporter.step('stop', swarm.stop));
  };
  try {
    swarm = await startSwarm({
      stateDir: options.stateDir,
      ...(options.portBase !== undefined && { portBase: options.portBase }),
      env: process.env,
      encoders,
      encoderCapacityUnits: unitsOfEach(options),
      ...(durationSeconds !== null && { audienceAnchor: 'restart' as const }),
      channels,
      replicas: Number(options.replicas) as Replicas,
      reporter,
      signal: interrupted.signal,
      onEvent: (event) => say(event.text),
    });
    const startSeconds = (Date.now() - startedAtMs) / 1000;
    const { environment } = swarm;
    const { first: firstGops, silent } = await reporter.step(
      'on air',
      () =>
        awaitFirstGops({
          originUrl: environment.SWARM_ORIGIN_URL,
          sourceUrl: environment.SWARM_SOURCE_URL,
          channelIds: swarm!.channels.map((c) => c.id),
          sinceMs: startedAtMs,
          limitMs: ON_AIR_LIMIT_MS,
          signal: interrupted.signal,
        }),
      ({ first, silent }) => {
        const lastMs = Math.max(...first.map((g) => g.publishedAtMs));
        const which =
          silent.length === 0 ? 'every channel' : `${first.length} of ${first.length + silent.length}`;
        return `${which} since ${((lastMs - startedAtMs) / 1000).toFixed(1)} s after the start`;
      },
    );
    for (const { channelId, why } of silent) {
      reporter.line(
        `  ${channelId} is not on air: ${why}\n` +
          `    The source goes on trying. To give it up: npx encoder-swarm channel remove ${channelId}`,
      );
    }
    if (silent.length > 0 && durationSeconds !== null) {
      throw new SwarmError(
        'timeout',
        `${silent.map((s) => s.channelId).join(', ')} did not come on air: a bounded run needs every channel.`,
        'Repair the input, or leave its --input out.',
      );
    }
    const { ticket } = await callApi(environment.SWARM_API_URL, operations.makeTicket, {});
    reporter.line(await whereToLook(environment, swarm.channels, ticket));
    if (durationSeconds === null) {
      const watch = new MovesWatch({
        apiUrl: environment.SWARM_API_URL,
        sinceMs: startedAtMs,
        everyMs: EVENTS_POLL_MS,
        onEnded: (move) => say(moveInWords(move)),
      });
      watch.start();
      await aborted(interrupted.signal);
      await watch.stop();
      return 0;
    }
    reporter.line(`  bounded run of ${durationSeconds} s, seed ${options.seed}`);
    const report = await boundedRun({
      swarm,
      firstGops,
      durationSeconds,
      startedAtMs,
      startSeconds,
      seed: options.seed,
      reporter,
      stopSwarm,
      signal: interrupted.signal,
    });
    if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
    reporter.line(reportInWords(report));
    return report.ok ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) return EXIT_INTERRUPTED;
    throw error;
  } finally {
    await stopSwarm();
  }
};

// Inputs may hold secrets, and every account of the machine can read the arguments of a process. Node has its copy.
process.title = 'encoder-swarm start';
outliveStandardStreams();
keepFilesOwn();
main(createStartProgram().parse().opts<StartOptions>()).then(
  (status) => process.exit(status),
  (error: unknown) => {
    showError(error);
    process.exit(1);
  },
);
