import { setTimeout as sleep } from 'node:timers/promises';
import { OriginClient } from '../../src/contracts/origin';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { onInterrupt } from '../../src/platform/processes/interrupts';
import { portsFor, StepReporter } from '../../src/setup';
import { startBenchSwarm } from '../lib/bench-swarm';
import type { ChildOptions, Started } from './child-protocol';

/**
 * One start of a swarm, in a process of its own as `npm start` is: modules are loaded, parts are started and channels come
 * on air as they do for a user. Says when each channel published first, and ends the swarm at SIGTERM.
 */

const POLL_MS = 50;
/** A channel of one small rung: 40 of them fit on two cores. */
const SMALL = { widthPx: 160, heightPx: 90 };

class TimedSteps extends StepReporter {
  readonly stages: Started['stages'] = [];

  constructor(private readonly sinceMs: number) {
    super(process.stderr);
  }

  override async step<T>(...of: Parameters<typeof StepReporter.prototype.step<T>>): Promise<T> {
    const result = await super.step(...of);
    this.stages.push({ name: of[0], afterMs: Date.now() - this.sinceMs });
    return result;
  }
}

const firstGops = async (originUrl: string, count: number, sinceMs: number): Promise<number[]> => {
  const origin = new OriginClient(originUrl);
  const first = new Map<string, number>();
  while (first.size < count) {
    const channels = await origin.channels({ timeoutMs: 1_000 }).catch(() => []);
    for (const { id, lastPublishedAtMs } of channels)
      if (lastPublishedAtMs !== null && lastPublishedAtMs >= sinceMs && !first.has(id))
        first.set(id, lastPublishedAtMs);
    await sleep(POLL_MS);
  }
  return [...first.values()];
};

const main = async ({ stateDir, portBase, channels, encoders, sinceMs }: ChildOptions): Promise<void> => {
  const { origin } = portsFor(portBase, process.env);
  const onAir = firstGops(`http://127.0.0.1:${origin}`, channels, sinceMs);
  const specs = Array.from({ length: channels }, (_, i) => {
    const spec = channelWithDefaults(`ch-${i + 1}`);
    if (channels <= 6) return spec;
    const ladder = [{ ...spec.ladder[0]!, ...SMALL, name: '90p' }];
    return { ...spec, input: { kind: 'generated' as const, ...SMALL }, ladder, viewersPerRung: [] };
  });
  const reporter = new TimedSteps(sinceMs);
  const ended = new AbortController();
  onInterrupt(() => ended.abort());
  const swarm = await startBenchSwarm({
    ...{ stateDir, portBase, channels: specs, encoderCount: encoders, encoderCapacityUnits: 24 },
    signal: ended.signal,
    reporter,
  });
  const readyMs = Date.now() - sinceMs;
  const firstGopsMs = (await onAir).map((atMs) => atMs - sinceMs);
  const started: Started = { readyMs, firstGopsMs, stages: reporter.stages };
  process.stdout.write(`${JSON.stringify(started)}\n`);
  if (!ended.signal.aborted) await new Promise((resolve) => ended.signal.addEventListener('abort', resolve));
  await swarm.stop();
};

main(JSON.parse(process.argv[2]!) as ChildOptions).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
