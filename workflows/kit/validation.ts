import type {
  ChannelSpec,
  ChannelWorkflowState,
  CordonRequest,
  MoveRequest,
  RecoverRequest,
} from '../../src/domain';
import type { ChannelList } from '../cycle/channel-list';
import type { Chores } from '../cycle/chores';
import { refusal } from './failures';

/**
 * Validators of Updates: synchronous, since an asynchronous one hangs its callers. They look at the shape that
 * the workflow itself depends on; the schemas proper are checked by the API before and by activities after.
 */

export const requireText = (value: unknown, what: string): void => {
  if (typeof value === 'string' && value.length > 0 && value.length <= 200) return;
  throw refusal('bad-request', `${what} must be a text of 1 to 200 characters.`);
};

const requireWhole = (value: unknown, what: string, most: number): void => {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  throw refusal('bad-request', `${what} must be a whole number from 1 to ${most}.`);
};

const unknownChannel = (channelId: string): Error =>
  refusal(
    'unknown-channel',
    `There is no channel ${channelId}.`,
    'Name one that `encoder-swarm status` lists.',
  );

/** A channel that is being removed takes no requests any more. */
export const validateInService = ({ status, spec }: ChannelWorkflowState): void => {
  if (status === 'removing' || status === 'removed') throw unknownChannel(spec.id);
};

export const moveInProgress = (channelId: string, busyWith: string): Error =>
  refusal(
    'move-in-progress',
    `${channelId} is being moved already: ${busyWith}.`,
    'Wait until that move has ended, then ask again.',
  );

export const validateMove = (
  state: ChannelWorkflowState,
  busyWith: string | null,
  request: MoveRequest | undefined,
): void => {
  requireText(request?.requestId, 'requestId');
  const { toEncoderId, rungs, requestedAtMs } = request as MoveRequest;
  if (toEncoderId !== undefined) requireText(toEncoderId, 'toEncoderId');
  if (rungs !== undefined) requireWhole(rungs, 'rungs', state.spec.ladder.length);
  if (!Number.isFinite(requestedAtMs)) throw refusal('bad-request', 'requestedAtMs must be a number.');
  validateInService(state);
  if (busyWith !== null) throw moveInProgress(state.spec.id, busyWith);
  if (
    toEncoderId !== undefined &&
    toEncoderId === state.ownerEncoderId &&
    (rungs ?? state.rungs) === state.rungs
  ) {
    throw refusal(
      'same-encoder',
      `${toEncoderId} encodes ${state.spec.id} already, with ${state.rungs} rung(s).`,
      'Name another encoder, or another number of rungs.',
    );
  }
};

export const validateRecover = (state: ChannelWorkflowState, request: RecoverRequest | undefined): void => {
  requireText(request?.requestId, 'requestId');
  requireText(request?.reason, 'reason');
  validateInService(state);
};

export const validateAddChannel = (
  channels: ChannelList,
  beingAdded: ReadonlyMap<string, ChannelSpec>,
  chores: Chores,
  spec: ChannelSpec | undefined,
): void => {
  requireText(spec?.id, 'id');
  const { id } = spec as ChannelSpec;
  if (chores.isAt(id)) {
    throw refusal(
      'unavailable',
      `What is left of an earlier ${id} has not been taken back yet: relay, origin or source does not answer.`,
      'See which one that is (`encoder-swarm status`), and ask again once it is back.',
    );
  }
  if (beingAdded.has(id) || channels.all.some((channel) => channel.id === id)) {
    throw refusal(
      'channel-exists',
      `There is a channel ${id} already.`,
      'Choose another id, or remove it first.',
    );
  }
  if (!channels.hasRoomFor([...beingAdded.values(), spec as ChannelSpec])) {
    throw refusal(
      'at-capacity-limit',
      `The swarm has ${channels.all.length} channels: one workflow can't carry ${id} too.`,
      'Remove channels, or begin another cell for it.',
    );
  }
};

export const validateRemoveChannel = (channels: ChannelList, channelId: string | undefined): void => {
  requireText(channelId, 'channelId');
  if (!channels.all.some((channel) => channel.id === channelId)) throw unknownChannel(channelId as string);
};

export const validateCordon = (request: CordonRequest | undefined): void => {
  requireText(request?.encoderId, 'encoderId');
  requireText(request?.requestedBy, 'requestedBy');
  for (const id of request?.exceptChannels ?? []) requireText(id, 'exceptChannels');
};
