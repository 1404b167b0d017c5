/** What the bench tells a child that starts a swarm, as its one argument in JSON. */
export interface ChildOptions {
  stateDir: string;
  portBase: number;
  channels: number;
  encoders: number;
  /** Wall clock at which the child was started. */
  sinceMs: number;
}

/** What the child says, once, in one line of JSON. Milliseconds since its start. */
export interface Started {
  /** All parts work. */
  readyMs: number;
  /** When each channel published its first GOP of this start. */
  firstGopsMs: number[];
  /** When each step of the start was done. */
  stages: { name: string; afterMs: number }[];
}
