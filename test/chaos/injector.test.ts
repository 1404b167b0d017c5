import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultAction } from '../../bench/chaos/faults';
import { Injector, type InjectedFault } from '../../bench/chaos/injector';
import type { LiveInput } from '../../bench/chaos/live-input';
import type { MemoryDisk } from '../../bench/chaos/memory-disk';
import type { Proxies } from '../../bench/chaos/proxies';
import type { FleetEncoder } from '../../src/contracts/fleet';
import type { MissingMedia, SourceState } from '../../src/contracts/source';
import type { RunningSwarm } from '../../src/launch/swarm';
import { untilAnswer } from '../support/until';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

const sleeper = (): ChildProcess => {
  const child = spawn('sleep', ['60']);
  children.push(child);
  return child;
};

/** A source that says of its one channel in which state it is. */
let sourceState: SourceState = 'ended';
let missing: MissingMedia[] = [];
let sourceUrl: string;
const source = createServer((_request, response) => {
  const channel = {
    id: 'live-1',
    input: { kind: 'url', url: 'http://camera/' },
    framesSent: 9,
    startedAtMs: 0,
  };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify([{ ...channel, state: sourceState, missing }]));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
  sourceUrl = `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => source.close(resolve)));

const stateOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .slice(0, 1);

const becomes = async (pid: number, state: string): Promise<void> => {
  while (stateOf(pid) !== state) await sleep(10);
};

/** A swarm whose encoder hosts and worker are processes that sleep. */
const injectorOn = (
  hosts: ChildProcess[],
  worker: ChildProcess,
  proxies: object = {},
  disks: { origin: MemoryDisk; state: MemoryDisk } | null = null,
  liveInput: { id: string; input: LiveInput } | null = null,
): { injector: Injector; told: InjectedFault[] } => {
  const told: InjectedFault[] = [];
  const fleet = hosts.map(({ pid }, i) => ({ id: `enc-${i + 1}`, pid, grpcAddress: `127.0.0.1:${i + 1}` }));
  const injector = new Injector({
    swarm: {
      fleet: { list: () => fleet as FleetEncoder[] },
      pids: () => ({ worker: worker.pid! }),
      environment: { SWARM_SOURCE_URL: sourceUrl },
    } as unknown as RunningSwarm,
    proxies: proxies as Proxies,
    disks,
    clocks: null,
    liveInput,
    onBegan: (fault) => told.push(fault),
    onEnded: () => undefined,
  });
  return { injector, told };
};

const fault = (action: FaultAction, lastsMs: number, encoder: number | null = null): Fault => ({
  ...{ number: 1, atMs: 0, action, lastsMs, encoder, choice: 0.5 },
});

test('a stopped part stands still and goes on by itself; a killed one is gone', async () => {
  const worker = sleeper();
  const { injector, told } = injectorOn([], worker);
  const stopped = await injector.begin(fault({ group: 'stop', target: 'worker', whole: false }, 200));
  await becomes(worker.pid!, 'T');
  expect(stopped).toMatchObject({ kind: 'stop worker', part: 'worker', endedAtMs: null, skipped: null });
  await becomes(worker.pid!, 'S');
  expect(stopped.endedAtMs! - stopped.beganAtMs).toBeGreaterThanOrEqual(190);
  const exited = once(worker, 'exit');
  await injector.begin(fault({ group: 'kill', target: 'worker' }, 0));
  expect(await exited).toEqual([null, 'SIGKILL']);
  expect(told).toHaveLength(2);
});

test('endAll ends what lasts: nothing stays stopped or cut off', async () => {
  const worker = sleeper();
  const repaired: string[] = [];
  const spoil = (link: string) => Promise.resolve(() => void repaired.push(link));
  const { injector } = injectorOn([], worker, { spoil });
  await injector.begin(fault({ group: 'stop', target: 'worker', whole: false }, 60_000));
  const action = { group: 'network', link: 'orchestrator-origin', effect: 'delay', amount: 200 } as const;
  await injector.begin(fault(action, 60_000));
  await becomes(worker.pid!, 'T');
  await injector.endAll();
  await becomes(worker.pid!, 'S');
  expect(repaired).toEqual(['orchestrator-origin']);
  expect(injector.injected.every((f) => f.endedAtMs !== null)).toBe(true);
});

test('two encoder hosts are left alone, also where the planner has let some go', async () => {
  const hosts = [sleeper(), sleeper(), sleeper()];
  const { injector } = injectorOn(hosts, sleeper());
  const stop = (encoder: number): Promise<InjectedFault> =>
    injector.begin(fault({ group: 'stop', target: 'encoder', whole: false }, 60_000, encoder));
  // The fourth is gone: one of the others is taken for it.
  expect(await stop(3)).toMatchObject({ part: 'enc-1', skipped: null });
  expect(await stop(1)).toMatchObject({ skipped: 'too few encoder hosts would be left alone' });
  await injector.endAll();
});

test('what is not there, or fails, is told and never thrown', async () => {
  const worker = sleeper();
  const spoil = () => Promise.reject(new Error('no proxy'));
  const { injector } = injectorOn([], worker, { spoil });
  const begin = async (action: FaultAction): Promise<string | null> =>
    (await injector.begin(fault(action, 100))).skipped;
  expect(await begin({ group: 'kill', target: 'relay' })).toBe('relay is not running');
  expect(await begin({ group: 'disk', target: 'origin' })).toBe('the swarm has no disk of its own');
  expect(await begin({ group: 'clock', target: 'worker', span: 'minutes', jumpMs: 1 })).toBe(
    'there is no libfaketime',
  );
  expect(await begin({ group: 'network', link: 'orchestrator-origin', effect: 'reset', amount: 0 })).toBe(
    'failed: no proxy',
  );
});

test('the disk of the whole state: all of it is full, a part is killed meanwhile, and there is room again', async () => {
  const worker = sleeper();
  const steps: string[] = [];
  const disk = (name: string) =>
    ({
      fill: () => {
        steps.push(`${name} full`);
        return Promise.resolve(() => Promise.resolve(void steps.push(`${name} has room`)));
      },
    }) as unknown as MemoryDisk;
  const { injector } = injectorOn([], worker, {}, { state: disk('state'), origin: disk('origin') });
  const exited = once(worker, 'exit').then(() => steps.push('worker killed'));
  const action: FaultAction = { group: 'disk', target: 'state', kills: 'worker' };
  const full = await injector.begin(fault(action, 400));
  expect(full).toMatchObject({
    kind: 'disk full state',
    part: 'state',
    words: 'disk full state for 0.4 s, worker killed meanwhile',
  });
  await exited;
  await untilAnswer(
    'it is over',
    () => full.endedAtMs,
    (endedAtMs) => endedAtMs !== null,
  );
  expect(steps).toEqual(['state full', 'origin full', 'worker killed', 'state has room', 'origin has room']);
  // One that is ended before its half kills nobody.
  const other = sleeper();
  const early = injectorOn([], other, {}, { state: disk('state'), origin: disk('origin') }).injector;
  await early.begin(fault(action, 60_000));
  await early.endAll();
  expect(['R', 'S', 'D']).toContain(stateOf(other.pid!));
});

test('an input that goes away comes back, and must be read again and have been named', async () => {
  const steps: string[] = [];
  const input = {
    hasReaders: true,
    leave: (absence: string) => {
      steps.push(absence);
      return () => void steps.push('back');
    },
    untilRead: () => Promise.resolve(void steps.push('read')),
  };
  const liveInput = { id: 'live-1', input: input as unknown as LiveInput };
  const { injector } = injectorOn([], sleeper(), {}, null, liveInput);
  const take = async (absence: 'away' | 'silent', state: SourceState): Promise<InjectedFault> => {
    const taken = await injector.begin(fault({ group: 'input', target: 'input', absence }, 60_000));
    sourceState = state;
    await injector.endAll();
    return taken;
  };
  expect(await take('away', 'ended')).toMatchObject({ kind: 'input away', part: 'input', skipped: null });
  expect(steps).toEqual(['away', 'back', 'read']);
  missing = [{ what: 'input', forSeconds: 4, hasCome: true, isStill: true }];
  await take('silent', 'running');
  expect(injector.troubles).toEqual([]);
  missing = [{ what: 'sound', forSeconds: 4, hasCome: true, isStill: false }];
  await take('silent', 'running');
  expect(injector.troubles.splice(0)).toEqual([
    '#1 input silent: the source called the input of live-1 running',
  ]);
  await take('away', 'running');
  expect(injector.troubles).toEqual(['#1 input away: the source called the input of live-1 running']);
  input.untilRead = () => Promise.reject(new Error('it was not read again'));
  await take('silent', 'running');
  expect(injector.troubles).toContain('#1 input silent: it was not read again');
  input.hasReaders = false;
  expect((await take('away', 'ended')).skipped).toBe('nobody reads the input');
});
