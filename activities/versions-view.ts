import {
  emptyVersions,
  versionsControl,
  versionsWorkflowId,
  type ChannelSpec,
  type EncoderBuild,
  type EncoderObservation,
  type VersionsState,
} from '../src/domain';
import { withinOrNull } from './deadline';
import type { Dependencies } from './dependencies';

/** A decision does not wait longer for the catalogue, and goes on with what it last was. */
const READ_DEADLINE_MS = 400;
/** Choices made at the same moment share one look. */
const SHARED_FOR_MS = 250;

/** What the Central Version Manager says, for those who observe and decide. */
export class VersionsView {
  private known: VersionsState;
  private shared: { reading: Promise<VersionsState>; atMs: number } | undefined;

  constructor(
    private readonly cell: string,
    private readonly temporal: Dependencies['temporal'],
  ) {
    this.known = emptyVersions(cell);
  }

  /** The catalogue with target and pins; as last known where it does not answer in time, empty before it first did. */
  read(): Promise<VersionsState> {
    const nowMs = Date.now();
    if (!this.shared || nowMs - this.shared.atMs > SHARED_FOR_MS) {
      this.shared = { reading: this.ask(), atMs: nowMs };
    }
    return this.shared.reading;
  }

  private async ask(): Promise<VersionsState> {
    const query = async (): Promise<VersionsState> =>
      this.temporal()
        .workflow.getHandle(versionsWorkflowId(this.cell))
        .query<VersionsState>(versionsControl.state);
    const answer = await withinOrNull(READ_DEADLINE_MS, query());
    if (answer) this.known = answer;
    return this.known;
  }
}

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
