import './support/mocks';
import {
  channelControl,
  channelWorkflowId,
  swarmControl,
  swarmWorkflowId,
  versionsControl,
  versionsWorkflowId,
  type SwarmWorkflowState,
} from '../../src/domain';
import { CELL, World } from './support/world';

const swarmId = swarmWorkflowId(CELL);

const cyclesOf = ({ temporal }: World): number =>
  (temporal.query(swarmId, swarmControl.state) as SwarmWorkflowState).cycle;

test('a swarm that is woken while its last cycle before a new run goes on is not put to sleep', () =>
  World.run({}, async (world) => {
    const { temporal, clock } = world;
    const before = cyclesOf(world);
    const { runId } = temporal.runOf(swarmId);
    temporal.longRunIds.add(runId);
    temporal.signal(swarmId, swarmControl.wake);
    await clock.runUntil(clock.nowMs + 1);
    expect(cyclesOf(world)).toBe(before + 1);
    temporal.signal(swarmId, swarmControl.wake);
    await clock.runUntil(clock.nowMs + 5_000);
    expect(cyclesOf(world)).toBe(before + 2);
    expect(temporal.runOf(swarmId).runId).not.toBe(runId);
  }));

test('after 60 cycles a swarm goes on in a new run', () =>
  World.run({}, async (world) => {
    const { temporal, clock } = world;
    const { runId } = temporal.runOf(swarmId);
    const runUntilCycle = async (cycle: number): Promise<void> => {
      while (cyclesOf(world) < cycle) await clock.runUntil(clock.nowMs + 1_000);
    };
    await runUntilCycle(59);
    await clock.runUntil(clock.nowMs + 5_000);
    expect(temporal.runOf(swarmId).runId).toBe(runId);
    await runUntilCycle(60);
    await clock.runUntil(clock.nowMs + 5_000);
    expect(temporal.runOf(swarmId).runId).not.toBe(runId);
    await runUntilCycle(61);
  }));

test('a swarm whose history is nearly full goes on in a new run, whatever a handler waits for', () =>
  World.run({}, async (world) => {
    const { temporal, clock } = world;
    const { runId } = temporal.runOf(swarmId);
    // A handler that never ends, as one that waits for a part that is away.
    temporal.runOf(swarmId).handlersRunning += 1;
    temporal.longRunIds.add(runId);
    await clock.runUntil(clock.nowMs + 60_000);
    expect(temporal.runOf(swarmId).runId).toBe(runId);
    const before = cyclesOf(world);
    temporal.fullRunIds.add(runId);
    await clock.runUntil(clock.nowMs + 60_000);
    expect(temporal.runOf(swarmId).runId).not.toBe(runId);
    expect(cyclesOf(world)).toBeGreaterThan(before);
  }));

test('a channel whose history is nearly full takes no request until what it does has ended', () =>
  World.run({}, async ({ temporal, clock }) => {
    const id = channelWorkflowId('ch-1');
    const { runId } = temporal.runOf(id);
    const request = (requestId: string) => ({
      ...{
        requestId,
        reason: 'operator',
        requestedBy: 'test',
        requestedAtMs: clock.nowMs,
        toEncoderId: 'enc-2',
      },
    });
    const lost = (requestId: string) => ({
      ...{ requestId, reason: 'encoder-lost', lostEncoderId: 'enc-1', lostSessionId: null },
      ...{ evidence: 'none', requestedAtMs: clock.nowMs },
    });
    const moved = temporal.update(id, channelControl.move, [request('one')]).result;
    await clock.runUntil(clock.nowMs + 10);
    temporal.longRunIds.add(runId);
    temporal.fullRunIds.add(runId);
    const refusalOf = (name: string, ...args: unknown[]): unknown => {
      try {
        temporal.update(id, name, args).result.catch(() => undefined);
        return 'accepted';
      } catch (error) {
        return (error as { cause: { type: string } }).cause.type;
      }
    };
    expect(refusalOf(channelControl.recover, lost('two'))).toBe('unavailable');
    expect(refusalOf(channelControl.move, request('three'))).toBe('unavailable');
    expect(refusalOf(channelControl.registerAgain)).toBe('unavailable');
    // The same request again is the one that is under way.
    expect(refusalOf(channelControl.move, request('one'))).toBe('accepted');
    await clock.runUntil(clock.nowMs + 20_000);
    expect(await moved).toMatchObject({ outcome: 'completed' });
    expect(temporal.runOf(id).runId).not.toBe(runId);
    expect(refusalOf(channelControl.recover, lost('four'))).toBe('accepted');
  }));

test('a version manager whose history is nearly full takes no request until what it does has ended', () =>
  World.run({ withBuilds: true }, async ({ temporal, clock }) => {
    const id = versionsWorkflowId(CELL);
    const { runId } = temporal.runOf(id);
    const unpin = (): unknown => temporal.update(id, versionsControl.unpin, ['ch-1']);
    temporal.update(id, versionsControl.pin, [{ channelId: 'ch-1', buildId: 'older' }]);
    await clock.runUntil(clock.nowMs + 1_000);
    temporal.fullRunIds.add(runId);
    expect(unpin).toThrow('Workflow Update failed');
    temporal.longRunIds.add(runId);
    temporal.signal(id, versionsControl.halt, { buildId: 'none', encoderId: 'enc-1', why: 'of this test' });
    await clock.runUntil(clock.nowMs + 1_000);
    expect(temporal.runOf(id).runId).not.toBe(runId);
    unpin();
  }));
