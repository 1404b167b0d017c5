import type { AddBuildRequest, PinRequest, SetTargetRequest, VersionsState } from '../../src/domain';
import { refusal } from '../kit/failures';

/** Synchronous validators of the Updates of `versions/<cell>`. Schemas proper are checked by the API and by activities. */

/** The whole state travels with each continue-as-new and each query. */
const MAX_BUILDS = 64;
const ID = /^[a-z0-9][a-z0-9-]{0,40}$/;

const requireId = (value: unknown, what: string): string => {
  if (typeof value === 'string' && ID.test(value)) return value;
  throw refusal('bad-request', `${what} must be 1 to 41 of a-z, 0-9 and "-".`);
};

const requireBuild = (state: VersionsState, buildId: string): void => {
  if (state.builds.some((build) => build.id === buildId)) return;
  throw refusal(
    'not-found',
    `The catalogue has no build ${buildId}; it has ${state.builds.map((b) => b.id).join(', ') || 'none'}.`,
    'Name one that `encoder-swarm version list` shows, or add it.',
  );
};

export const validateAdd = (
  state: VersionsState,
  beingAdded: ReadonlySet<string>,
  request: AddBuildRequest | undefined,
): void => {
  const id = requireId(request?.id, 'id');
  if (beingAdded.has(id) || state.builds.some((build) => build.id === id)) {
    throw refusal('conflict', `There is a build ${id} already.`, 'Choose another id, or remove it first.');
  }
  if (state.builds.length + beingAdded.size >= MAX_BUILDS) {
    throw refusal(
      'conflict',
      `The catalogue is full: ${MAX_BUILDS} builds.`,
      'Remove one that no encoder runs.',
    );
  }
};

export const validateRemove = (state: VersionsState, given: string | undefined): void => {
  const buildId = requireId(given, 'build id');
  requireBuild(state, buildId);
  if (state.probing[buildId])
    throw refusal('conflict', `Build ${buildId} is being probed.`, 'Wait until it has ended.');
  if (state.targetBuildId === buildId) {
    throw refusal('conflict', `Build ${buildId} is the target of this cell.`, 'Set another target first.');
  }
  const pinned = Object.keys(state.pins).filter((channelId) => state.pins[channelId] === buildId);
  if (pinned.length > 0) {
    throw refusal('conflict', `${pinned.join(', ')} are pinned to build ${buildId}.`, 'Unpin them first.');
  }
};

export const validateProbe = (state: VersionsState, given: string | undefined): void => {
  const buildId = requireId(given, 'build id');
  requireBuild(state, buildId);
  if (state.probing[buildId])
    throw refusal('conflict', `Build ${buildId} is being probed.`, 'Wait until it has ended.');
};

export const validateTarget = (state: VersionsState, request: SetTargetRequest | undefined): void => {
  if (request?.buildId === null) return;
  const buildId = requireId(request?.buildId, 'build id');
  requireBuild(state, buildId);
  const build = state.builds.find((known) => known.id === buildId);
  if (build?.compatibilityClass === null) {
    throw refusal(
      'conflict',
      `Build ${buildId} was never probed: nobody knows whether channels can move to it without a seam.`,
      `Run encoder-swarm version probe ${buildId} first.`,
    );
  }
};

export const validatePin = (state: VersionsState, request: PinRequest | undefined): void => {
  requireId(request?.channelId, 'channel id');
  requireBuild(state, requireId(request?.buildId, 'build id'));
};

export const validateUnpin = (state: VersionsState, given: string | undefined): void => {
  const channelId = requireId(given, 'channel id');
  if (state.pins[channelId] !== undefined) return;
  throw refusal('not-found', `${channelId} is pinned to no build.`, 'See `encoder-swarm version list`.');
};
