import type { MoveRecord } from '../contracts/api';
import type { SwarmWorkflowState } from '../domain';
import { systemClock, type Clock } from '../platform/clock';
import type { EndedWorkflow } from '../temporal/ended-workflows';
import type { SwarmEnd } from '../temporal/swarm-run';
import { deadlinesMs, keptMs } from './deadlines';
import { KeptReading } from './kept-reading';

/** What the control plane decided and keeps, for people: read from Temporal by one reading each. */
export class ControlReadings {
  readonly swarm: KeptReading<SwarmWorkflowState>;
  /** Null while the swarm's workflow runs. */
  readonly swarmEnd: KeptReading<SwarmEnd | null>;
  /** Workflows of channels and versions that ended and were not started again. */
  readonly ends: KeptReading<EndedWorkflow[]>;
  /** Running moves first, then the latest. */
  readonly moves: KeptReading<MoveRecord[]>;

  constructor(
    control: {
      swarmState(): Promise<SwarmWorkflowState>;
      swarmEnd(): Promise<SwarmEnd | null>;
      ends(): Promise<EndedWorkflow[]>;
      moves(): Promise<MoveRecord[]>;
    },
    clock: Clock = systemClock,
  ) {
    const { shown: deadlineMs } = deadlinesMs;
    const terms = { keptMs: keptMs.swarm, deadlineMs };
    this.swarm = new KeptReading('Temporal', () => control.swarmState(), terms, clock);
    this.swarmEnd = new KeptReading('Temporal', () => control.swarmEnd(), terms, clock);
    this.ends = new KeptReading('Temporal', () => control.ends(), terms, clock);
    this.moves = new KeptReading(
      'Temporal',
      () => control.moves(),
      { keptMs: keptMs.moves, deadlineMs },
      clock,
    );
  }

  /** After a command: what it changed must show at once. */
  invalidate(): void {
    this.swarm.invalidate();
    this.swarmEnd.invalidate();
    this.ends.invalidate();
    this.moves.invalidate();
  }
}
