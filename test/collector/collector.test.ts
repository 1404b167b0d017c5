import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { z } from 'zod';
import { startCollector } from '../../src/collector';
import type { SentinelEvent } from '../../src/collector/sentinel';
import { readEnvironment, type Environment } from '../../src/config/config';
import { anyAnswer, callJson } from '../../src/contracts/call';
import type { FleetEncoder } from '../../src/contracts/fleet';
import { originChannelSchema } from '../../src/contracts/origin';
import type { FleetProvider } from '../../src/fleet/provider';
import { startOrigin } from '../../src/media/origin';
import { createTelemetryStore, type TelemetryStore } from '../../src/telemetry';
import { freePort } from '../support/ports';
import { until } from '../support/until';
import { InfluxUnderTest } from '../telemetry/support/influx-under-test';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
const root = join(__dirname, '..', '..');

/** A real encoder host as a process of its own, which can be killed and stopped. */
class EncoderProcess {
  restarts = 0;
  private process: ChildProcess | null = null;
  private startedAtMs = 0;

  constructor(
    readonly id: string,
    readonly port: number,
  ) {}

  start(): void {
    this.startedAtMs = Date.now();
    this.process = spawn(
      process.execPath,
      [
        '-r',
        join(__dirname, '..', 'telemetry', 'support', 'run-typescript.cjs'),
        join(root, 'src/media/encoder/main.ts'),
      ],
      {
        cwd: root,
        stdio: 'ignore',
        env: {
          ...process.env,
          ENCODER_ID: this.id,
          ENCODER_PORT: String(this.port),
          ENCODER_ZONE: 'b',
          ENCODER_CAPACITY_UNITS: '6',
        },
      },
    );
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const { process: running } = this;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill(signal);
    if (signal === 'SIGKILL') await once(running, 'exit');
  }

  get asFleetEncoder(): FleetEncoder {
    return {
      id: this.id,
      grpcAddress: `127.0.0.1:${this.port}`,
      region: 'eu',
      zone: 'b',
      pid: this.process?.pid ?? null,
      state: 'running',
      restarts: this.restarts,
      startedAtMs: this.startedAtMs,
    };
  }
}

let influx: InfluxUnderTest;
let origin: { port: number; stop(): Promise<void> };
let stateDir: string;
let environment: Environment;
let store: TelemetryStore;
let encoders: EncoderProcess[];
let events: SentinelEvent[];
let collector: { port: number; stop(): Promise<void> };
const fleet: FleetProvider = {
  canProvision: false,
  list: async () => encoders.map((e) => e.asFleetEncoder),
  provision: () => Promise.reject(new Error('not here')),
  deprovision: async () => undefined,
  setBuild: () => Promise.reject(new Error('not here')),
};

const reachable = async (id: string, sinceMs = 0): Promise<boolean> => {
  const points = await store.recent('encoder', {
    cell: 'local',
    tag: ['encoder', id],
    fields: ['capacity_units', 'units_used'],
    sinceMs,
  });
  return points.some((p) => p.fields.capacity_units === 6 && p.fields.units_used === 0);
};
const startAgain = async (encoder: EncoderProcess): Promise<void> => {
  encoder.restarts += 1;
  const sinceMs = Date.now();
  encoder.start();
  await until('it is measured again', () => reachable(encoder.id, sinceMs));
};
const lostIds = (): string[] =>
  events.flatMap((e) => (e.signal === 'encoderLost' ? [e.payload.encoderId] : []));

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'swarm-collector-'));
  // A scenario from an earlier run: a new one would wait until ch-1 is on air, which it never is here.
  const anchor = { anchorMs: Date.now(), stepSeconds: 5, roles: { 'ch-1': 'surge' } };
  await writeFile(join(stateDir, 'audience.json'), JSON.stringify(anchor));
  influx = await InfluxUnderTest.start();
  origin = await startOrigin({
    host: '127.0.0.1',
    port: 0,
    stateDir,
    relayUrl: 'http://127.0.0.1:9',
    log,
  });
  environment = readEnvironment({
    INFLUX_URL: influx.url,
    SWARM_STATE_DIR: stateDir,
    SWARM_ORIGIN_URL: `http://127.0.0.1:${origin.port}`,
  });
  store = createTelemetryStore(environment);
  encoders = [new EncoderProcess('enc-1', await freePort()), new EncoderProcess('enc-2', await freePort())];
  for (const encoder of encoders) encoder.start();
  events = [];
  collector = await startCollector({
    environment,
    log,
    port: 0,
    fleet,
    connect: async () => ({ send: async (event) => void events.push(event), close: async () => undefined }),
  });
  await until('both encoders are measured', async () => (await reachable('enc-1')) && reachable('enc-2'));
});
afterAll(async () => {
  await collector.stop();
  for (const encoder of encoders) await encoder.kill('SIGKILL');
  await store.close();
  await origin.stop();
  await influx.remove();
  await rm(stateDir, { recursive: true, force: true });
});
beforeEach(() => {
  events.length = 0;
});

const health = (): Promise<Record<string, unknown>> =>
  callJson(`http://127.0.0.1:${collector.port}/healthz`, z.record(z.string(), z.unknown()));

test('answers how it is', async () => {
  expect(await health()).toMatchObject({
    status: 'ok',
    lastPollAtMs: expect.any(Number),
    lostEncoders: [],
    points: { dropped: 0 },
    signals: { dropped: 0 },
    audience: { roles: { 'ch-1': 'surge' } },
  });
});

test('an encoder killed with -9 is told of within a second or so, once, and watched afresh when it is back', async () => {
  const [one] = encoders as [EncoderProcess];
  const killedAtMs = Date.now();
  await one.kill('SIGKILL');
  await until('the loss is told', () => events.length > 0);
  expect(events).toMatchObject([{ signal: 'encoderLost', payload: { encoderId: 'enc-1' } }]);
  expect(events[0]!.payload.atMs - killedAtMs).toBeLessThan(3_000);
  await sleep(1_500);
  expect(lostIds()).toEqual(['enc-1']);
  expect(await health()).toMatchObject({ lostEncoders: ['enc-1'] });

  await startAgain(one);
  expect(await health()).toMatchObject({ lostEncoders: [] });
  await one.kill('SIGKILL');
  await until('the second loss is told', () => lostIds().length === 2);
  await startAgain(one);
});

test.each([-1, 1])(
  'a wall clock that is set by %d day stops neither measurements nor alarms',
  async (days) => {
    const [one] = encoders as [EncoderProcess];
    const { now } = Date;
    const shifted = jest.spyOn(Date, 'now').mockImplementation(() => now() + days * 86_400_000);
    try {
      const { lastPollAtMs: before } = await health();
      await until('it polls on', async () => {
        const { lastPollAtMs } = await health();
        return lastPollAtMs !== before && Math.abs(Number(lastPollAtMs) - Date.now()) < 5_000;
      });
      await one.kill('SIGKILL');
      await until('the loss is told', () => events.length > 0);
      expect(events).toMatchObject([{ signal: 'encoderLost', payload: { encoderId: 'enc-1' } }]);
      expect(Math.abs(events[0]!.payload.atMs - Date.now())).toBeLessThan(5_000);
    } finally {
      shifted.mockRestore();
    }
    await startAgain(one);
  },
);

test('an encoder that hangs is told of, though its connection stands', async () => {
  const two = encoders[1]!;
  await two.kill('SIGSTOP');
  await until('the loss is told', () => events.length > 0);
  await two.kill('SIGCONT');
  expect(lostIds()).toEqual(['enc-2']);
  await until('it is watched afresh', async () => (await health()).lostEncoders?.toString() === '');
});

test('while this process itself is held up, an encoder that answers is not called silent', async () => {
  const untilMs = performance.now() + 8_000;
  while (performance.now() < untilMs) {
    const freeAtMs = performance.now() + 900;
    while (performance.now() < freeAtMs);
    await new Promise(setImmediate);
  }
  expect(events).toEqual([]);
}, 30_000);

test('an owner that does not know its session is told of as failed', async () => {
  const channel = `${environment.SWARM_ORIGIN_URL}/channels/ch-1`;
  await callJson(channel, anyAnswer, {
    method: 'PUT',
    json: { gopDurationTicks: 180_000, framesPerSecond: 25 },
  });
  const { token } = await callJson(channel, originChannelSchema);
  const owner = { encoderId: 'enc-2', sessionId: 'forgotten' };
  await callJson(`${channel}/own`, anyAnswer, {
    method: 'POST',
    json: { requestId: 'test', expectToken: token, owner, fromGop: 0 },
  });
  await until('the failure is told', () => events.length > 0);
  expect(events).toMatchObject([
    {
      signal: 'sessionFailed',
      payload: { channelId: 'ch-1', encoderId: 'enc-2', sessionId: 'forgotten', code: 'unknown-session' },
    },
  ]);
});

test('channels and their audience are written', async () => {
  await until('the audience is written', async () => {
    const viewers = await store.latestAudience({ cell: 'local', channelIds: ['ch-1'] });
    return viewers['ch-1'] !== undefined;
  });
  const [point] = await store.recent('channel', {
    cell: 'local',
    fields: ['rungs', 'next_gop'],
    sinceMs: Date.now() - 5_000,
  });
  expect(point).toMatchObject({
    tags: { channel: 'ch-1', encoder: 'enc-2', region: 'eu' },
    fields: { rungs: 0, next_gop: 0 },
  });
});
