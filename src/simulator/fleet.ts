/** An encoder of a simulated swarm. */
export interface SimulatedEncoder {
  id: string;
  zone: string;
  /** From then on it is paid for: since it was asked for. */
  paidFromMs: number;
  readyAtMs: number;
  draining: boolean;
  /** Ends by itself at this moment (a crash). */
  failsAtMs: number;
  /** Indices of the channels that it encodes for viewers. */
  channels: Set<number>;
}

/** A handoff under way: both encoders work on the channel. */
export interface HandoffUnderWay {
  channel: number;
  to: SimulatedEncoder;
}

/** A move that a policy decided, kept for judging it later. */
export interface MoveRecord {
  cycle: number;
  channel: number;
  from: string;
  to: string;
  reason: string;
  /** Channels left on the source when all moves of this cycle had been taken from it. */
  remaining: readonly number[];
}
