import type { BuildSource } from './builds';
import type { VersionsState } from './versions-state';

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
  /** Update (SynchronisationFault) -> void: no encoder is synchronised until the target is set again. */
  halt: 'halt',
  /** Query -> VersionsState. */
  state: 'state',
  /** Signal (): look whether a new build of the workers is out, and go on on it. */
  wake: 'wake',
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
  /** It has no work; it gets none until it is synchronised. */
  isIdle: boolean;
  fitness: number | null;
  /** One sentence for people. */
  why: string;
}
