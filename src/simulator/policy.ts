import type { PendingEncoder, Policy, ProvisioningOutcome } from '../domain';
import type { SimulatedEncoder } from './fleet';
import type { Demand, World } from './world';

/** What a policy sees in a cycle. */
export interface CycleView {
  world: World;
  demand: Demand;
  limits: Policy;
  cycle: number;
  atMs: number;
  capacityUnits: number;
  limitUnits: number;
  zones: readonly string[];
  /** Encoders that answer. */
  encoders: readonly SimulatedEncoder[];
  pending: readonly PendingEncoder[];
  outcomes: readonly ProvisioningOutcome[];
  /** Channels on air that nobody encodes. */
  waiting: readonly number[];
  /** Encoder by channel; null while nobody encodes it. */
  ownerOf: (channel: number) => SimulatedEncoder | null;
  /** Units that a channel needs in this cycle; 0 while off the air. */
  unitsOf: (channel: number) => number;
  /** Units on an encoder in this cycle. */
  loadOf: (encoder: SimulatedEncoder) => number;
  /** When a channel's last move ended; null if never moved. */
  movedAtMs: (channel: number) => number | null;
}

export interface CycleDecision {
  moves: { channel: number; to: string; reason: string }[];
  /** Encoders for waiting channels. */
  starts: { channel: number; on: string }[];
  /** Zones of encoders to ask for. */
  provision: string[];
  /** Encoders to empty and then end. */
  drain: string[];
}

/** Decides where channels are encoded and how many encoders there are. One instance per run: it may remember. */
export interface ScalingPolicy {
  readonly name: string;
  /** Encoders that it has when the simulated time begins. */
  initialEncoders(view: {
    demand: Demand;
    limitUnits: number;
    limits: Policy;
    historyPeakUnits: number;
  }): number;
  decide(view: CycleView): CycleDecision;
}
