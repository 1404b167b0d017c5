/**
 * How long one look at the swarm waits for each part, in milliseconds: for the control cycle, the API and the collector
 * alike. A part that takes longer counts as silent.
 */
export const deadlinesMs = {
  /** Origin, relay, source and encoders for a cycle, and the list of moves under way: one silent part costs no more. */
  observe: 800,
  /** Encoders for the choice of one target. */
  choose: 500,
  /** An encoder that a choice can't do without is asked once more, for so long: the other answer is to refuse. */
  insist: 2_500,
  /** The fleet agent; its last list stays good. */
  fleet: 700,
  /** Telemetry store; decisions go on with what was read last. */
  telemetry: 800,
  /** Snapshots that are stored; the cycle goes on without. */
  planningRecord: 800,
  /** Central Version Manager; what it last said stays good. */
  versions: 400,
  /** Policy, cordons and channels of the swarm's workflow: a worker that is new replays it first. */
  swarm: 2_500,
} as const;
