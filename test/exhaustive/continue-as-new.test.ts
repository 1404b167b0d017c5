import './support/mocks';
import { swarmControl, swarmWorkflowId, type SwarmWorkflowState } from '../../src/domain';
import { VirtualClock } from './support/virtual-clock';
import { CELL, World } from './support/world';

const swarmId = swarmWorkflowId(CELL);

test('a swarm that is woken while its last cycle before a new run goes on is not put to sleep', async () => {
  const clock = new VirtualClock();
  const uninstall = clock.install();
  const { fetch } = globalThis;
  try {
    const { temporal } = await World.begin(clock);
    const cycles = (): number => (temporal.query(swarmId, swarmControl.state) as SwarmWorkflowState).cycle;
    const before = cycles();
    const { runId } = temporal.runOf(swarmId);
    temporal.longRunIds.add(runId);
    temporal.signal(swarmId, swarmControl.wake);
    await clock.runUntil(clock.nowMs + 1);
    expect(cycles()).toBe(before + 1);
    temporal.signal(swarmId, swarmControl.wake);
    await clock.runUntil(clock.nowMs + 5_000);
    expect(cycles()).toBe(before + 2);
    expect(temporal.runOf(swarmId).runId).not.toBe(runId);
  } finally {
    globalThis.fetch = fetch;
    uninstall();
  }
});
