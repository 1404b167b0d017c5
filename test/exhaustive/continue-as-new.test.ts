import './support/mocks';
import { swarmControl, swarmWorkflowId, type SwarmWorkflowState } from '../../src/domain';
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
