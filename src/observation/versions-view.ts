import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import {
  emptyVersions,
  rolloutWorkflowId,
  versionsControl,
  versionsWorkflowId,
  type ChannelSpec,
  type EncoderBuild,
  type EncoderObservation,
  type Owner,
  type VersionsState,
} from '../domain';
import { heldBackReason, type TargetBuild } from '../versions';
import { deadlinesMs, keptMs } from './deadlines';
import { KeptReading, freshOrNull } from './kept-reading';

/** The catalogue with target and pins, and whether a rollout has the builds of this cell in its hands. */
export interface Catalogue extends VersionsState {
  isRolloutRunning: boolean;
}

/** What the Central Version Manager says, for those who observe and decide. */
export class VersionsView {
  private readonly state: KeptReading<VersionsState>;
  private readonly rollout: KeptReading<boolean>;

  constructor(
    private readonly cell: string,
    private readonly temporal: () => Client,
  ) {
    const terms = { keptMs: keptMs.choice, deadlineMs: deadlinesMs.versions };
    this.state = new KeptReading('The Central Version Manager', () => this.queryState(), terms);
    this.rollout = new KeptReading('Temporal', () => this.lookForRollout(), terms);
  }

  /**
   * As last known where Temporal does not answer in time; empty before it first did.
   * @param look.isCurrent never older than the question: for those who act on what somebody has just changed, such as
   * a rollout of a build that was probed a moment ago
   */
  async read({ isCurrent = false }: { isCurrent?: boolean } = {}): Promise<Catalogue> {
    const [state, rollout] = await (isCurrent
      ? Promise.all([this.state.now(), this.rollout.now()])
      : Promise.all([this.state.get({ insists: true }), this.rollout.get({ insists: true })]));
    return {
      ...emptyVersions(this.cell),
      ...state.value,
      // Where that is unknown, a rollout is assumed: no encoder is synchronised meanwhile.
      isRolloutRunning: freshOrNull(rollout) ?? true,
    };
  }

  private async queryState(): Promise<VersionsState> {
    const manager = this.temporal().workflow.getHandle(versionsWorkflowId(this.cell));
    return manager.query<VersionsState>(versionsControl.state);
  }

  private async lookForRollout(): Promise<boolean> {
    try {
      const rollout = await this.temporal().workflow.getHandle(rolloutWorkflowId(this.cell)).describe();
      return rollout.status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}

/** The build to bring encoders to; null where there is none, and while a rollout decides that. */
export const targetOf = ({ builds, targetBuildId, isRolloutRunning }: Catalogue): TargetBuild | null =>
  isRolloutRunning ? null : (builds.find((build) => build.id === targetBuildId) ?? null);

/** The same encoders; those that stand by with the wrong build carry the reason why they take no work. */
export const withHeldBack = (
  encoders: readonly EncoderObservation[],
  owners: readonly (Owner | null)[],
  catalogue: Catalogue,
): EncoderObservation[] => {
  const ownerIds = new Set(owners.flatMap((owner) => owner?.encoderId ?? []));
  const target = targetOf(catalogue);
  return encoders.map((encoder) => {
    const reason = heldBackReason(encoder, ownerIds, target);
    return reason === null ? encoder : { ...encoder, heldBack: reason };
  });
};

/** The catalogue's build that an encoder runs. */
const buildOn = (
  encoder: Pick<EncoderObservation, 'buildDigest'>,
  builds: readonly EncoderBuild[],
): EncoderBuild | undefined =>
  encoder.buildDigest === undefined ? undefined : builds.find((b) => b.digest === encoder.buildDigest);

/** The same encoder, with the build that it runs and that build's class. */
export const withVersion = <E extends Pick<EncoderObservation, 'buildDigest'>>(
  encoder: E,
  { builds }: Pick<VersionsState, 'builds'>,
): E & Pick<EncoderObservation, 'buildId' | 'compatibilityClass'> => {
  const build = buildOn(encoder, builds);
  return {
    ...encoder,
    ...(build && { buildId: build.id }),
    ...(build?.compatibilityClass && { compatibilityClass: build.compatibilityClass }),
  };
};

/** The same channel, with the build that it is pinned to: the operator's pin goes before the channel's own. */
export const withPin = (spec: ChannelSpec, { pins }: Pick<VersionsState, 'pins'>): ChannelSpec => {
  const buildId = pins[spec.id];
  return buildId === undefined ? spec : { ...spec, placement: { ...spec.placement, buildId } };
};
