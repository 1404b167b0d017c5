import type { BuildSource, EncoderBuild } from './builds';

/** The Central Version Manager of a cell: one entity workflow. */
export const versionsWorkflowId = (cell: string): string => `versions/${cell}`;

/** Updates and the query of `versions/<cell>`. */
export const versionsControl = {
  /** Update (AddBuildRequest) -> EncoderBuild. Refusals: conflict, not-found, encoder-incompatible, unavailable. */
  add: 'add',
  /** Update (buildId: string) -> void. Refusals: not-found; conflict while it is wanted or runs. */
  remove: 'remove',
  /** Update (buildId: string) -> EncoderBuild with its class. Refusals: not-found, conflict, encoder-incompatible. */
  probe: 'probe',
  /** Update (SetTargetRequest) -> void. Refusals: not-found, conflict (never probed), encoder-incompatible. */
  setTarget: 'setTarget',
  /** Update (PinRequest) -> void. Refusals: not-found, unknown-channel. */
  pin: 'pin',
  /** Update (channelId: string) -> void. Refusal: not-found. */
  unpin: 'unpin',
  /** Update (SynchronisationFault) -> void: nothing more is brought in line until the target is set again. */
  halt: 'halt',
  /** Query -> VersionsState. */
  state: 'state',
} as const;

export interface AddBuildRequest {
  id: string;
  source: BuildSource;
  /** SHA-256 of the ffmpeg in a container image; elsewhere it is measured, and must be this one if it is given. */
  digest?: string;
}

export interface SetTargetRequest {
  /** null: no target, every encoder may run what it runs. */
  buildId: string | null;
  requestedBy: string;
}

export interface PinRequest {
  channelId: string;
  buildId: string;
}

/** Catalogue, target and pins of a cell. Plain JSON. */
export interface VersionsState {
  cell: string;
  builds: EncoderBuild[];
  /** Build that every encoder should run, and that new ones begin with. */
  targetBuildId: string | null;
  /** Build by channel id; goes before a channel's own `placement.buildId`. */
  pins: Record<string, string>;
  /** Probes under way, by build id: cases done, and all. */
  probing: Record<string, { done: number; total: number }>;
  /** Why the last probe of a build failed, by build id. */
  probeFaults: Record<string, string>;
  /** null while encoders are brought to the target. */
  fault: SynchronisationFault | null;
}

export const emptyVersions = (cell: string): VersionsState => ({
  cell,
  builds: [],
  targetBuildId: null,
  pins: {},
  probing: {},
  probeFaults: {},
  fault: null,
});

/** One at a time per cell, by its workflow id. */
export const synchroniseWorkflowId = (cell: string): string => `synchronise/${cell}`;

/** An encoder that should be brought to the cell's target build. */
export interface EncoderUpdate {
  encoderId: string;
  /** Target build. */
  buildId: string;
  /** What it runs, in words. */
  runs: string;
  /** It has no work; it gets none until it is in line. */
  isIdle: boolean;
  fitness: number | null;
  /** One sentence for people. */
  why: string;
}

/** Why synchronisation stands still. A new target, or the same one set again, lets it go on. */
export interface SynchronisationFault {
  encoderId: string;
  buildId: string;
  why: string;
  atMs: number;
}
