import fc from 'fast-check';
import {
  channelControl,
  channelWithDefaults,
  channelWorkflowId,
  swarmControl,
  swarmWorkflowId,
} from '../../../src/domain';
import { brokenInvariants } from './invariants';
import { faultKinds, type FaultKind } from './network-model';
import { VirtualClock } from './virtual-clock';
import { CELL, World } from './world';

/** Something that happens to a swarm of three channels on three encoders. */
export type Happening =
  | { do: 'wait'; ms: number }
  | { do: 'add' | 'remove' | 'handoff'; channel: number }
  | { do: 'move'; channel: number; encoder: number }
  | { do: 'kill' | 'cordon' | 'uncordon' | 'drain'; encoder: number }
  | { do: 'kill-origin' | 'kill-relay' | 'kill-worker' }
  | { do: 'fault'; afterSteps: number; kind: FaultKind };

const CHANNELS = 4;
const channel = fc.integer({ min: 1, max: CHANNELS });
const encoder = fc.integer({ min: 1, max: 3 });
const of = <D extends string>(name: D): fc.Arbitrary<D> => fc.constant(name);

/** Histories shrink to fewer and earlier happenings. */
export const histories = (maxLength: number): fc.Arbitrary<Happening[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: of('wait'), ms: fc.integer({ min: 0, max: 6_000 }) }) },
      { weight: 3, arbitrary: fc.record({ do: of('handoff'), channel }) },
      { weight: 3, arbitrary: fc.record({ do: of('move'), channel, encoder }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constantFrom('add' as const, 'remove' as const), channel }),
      },
      { weight: 2, arbitrary: fc.record({ do: of('kill'), encoder }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constantFrom('cordon' as const, 'uncordon' as const, 'drain' as const),
          encoder,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('kill-origin' as const, 'kill-relay' as const, 'kill-worker' as const),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: of('fault'),
          afterSteps: fc.integer({ min: 1, max: 12 }),
          kind: fc.constantFrom(...faultKinds),
        }),
      },
    ),
    { minLength: 1, maxLength },
  );

const happen = (world: World, what: Happening): Promise<void> | void => {
  const { clock, temporal, network } = world;
  const swarm = swarmWorkflowId(CELL);
  const ask = (workflowId: string, update: string, args: unknown[]): void => {
    try {
      temporal.update(workflowId, update, args);
    } catch {
      // Refused: an operator may ask for what makes no sense.
    }
  };
  const requestId = temporal.nextId('asked');
  const request = { requestId, reason: 'operator', requestedBy: 'history', requestedAtMs: clock.nowMs };
  switch (what.do) {
    case 'wait':
      return clock.runUntil(clock.nowMs + what.ms);
    case 'add':
      return ask(swarm, swarmControl.addChannel, [channelWithDefaults(`ch-${what.channel}`)]);
    case 'remove':
      return ask(swarm, swarmControl.removeChannel, [`ch-${what.channel}`]);
    case 'handoff':
      return ask(channelWorkflowId(`ch-${what.channel}`), channelControl.move, [request]);
    case 'move':
      return ask(channelWorkflowId(`ch-${what.channel}`), channelControl.move, [
        { ...request, toEncoderId: `enc-${what.encoder}` },
      ]);
    case 'kill': {
      const encoderId = `enc-${what.encoder}`;
      world.encoder(encoderId).crash();
      temporal.signal(swarm, swarmControl.encoderLost, { encoderId, evidence: 'killed', atMs: clock.nowMs });
      return;
    }
    case 'cordon':
    case 'uncordon':
    case 'drain':
      return ask(swarm, swarmControl[what.do], [
        { encoderId: `enc-${what.encoder}`, requestedBy: 'history' },
      ]);
    case 'kill-origin':
      return world.origin.crash();
    case 'kill-relay':
      return world.relay.crash();
    case 'kill-worker':
      return temporal.killWorker();
    case 'fault':
      return network.faultAfter(what.afterSteps, what.kind);
  }
};

/** Lets a history happen, lifts the cordons, waits until all has settled. @returns the invariants that are broken */
export const runHistory = async (history: readonly Happening[]): Promise<string[]> => {
  const clock = new VirtualClock();
  const uninstall = clock.install();
  const { fetch } = globalThis;
  try {
    const world = await World.begin(clock, { channels: 3 });
    for (const what of history) await happen(world, what);
    await clock.runUntil(clock.nowMs + 30_000);
    for (const encoder of [1, 2, 3]) await happen(world, { do: 'uncordon', encoder });
    await clock.runUntil(clock.nowMs + 170_000);
    return brokenInvariants(world);
  } finally {
    globalThis.fetch = fetch;
    uninstall();
  }
};
