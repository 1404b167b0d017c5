import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ParentClosePolicy, patched, startChild, uuid4 } from '@temporalio/workflow';
import type { AddChannelOptions, ChannelChange, ChannelSpec } from '../../src/domain';
import { channelWorkflowId } from '../../src/domain/control';
import { attributes } from '../kit/attributes';
import { causeOf, refusal } from '../kit/failures';
import { WORKFLOW_TASK_TIMEOUT, local8s, retryFor6h, threeTries60s } from '../kit/steps';
import type { ChannelWorkflowInput } from '../kit/types';
import { channel } from '../moves/channel';
import type { Chores } from './chores';

/** A start that was refused is mostly undone within it, before its caller reads the refusal. */
const UNDONE_WITHIN = '5 seconds';
/** A part that is away longer is not waited for by whoever asked. */
const REMOVED_WITHIN = '60 seconds';

/** As idSchema has it, which a workflow can't load. */
const isId = (id: string): boolean => /^[a-z0-9][a-z0-9-]{0,40}$/.test(id);

/**
 * Adds a channel to relay, origin and source: a saga of one step. An input that is refused leaves nothing behind, and
 * takes nothing away that was there before. Where a part is away, the start is undone once it is back.
 */
export const registerChannel = async (
  spec: ChannelSpec,
  options: AddChannelOptions | undefined,
  chores: Chores,
): Promise<ChannelSpec> => {
  const { id } = spec;
  const knownBy = await local8s.partsKnowing({ channelId: id });
  try {
    return await threeTries60s.registerChannel.executeWithOptions(
      { summary: `relay, origin and source of ${id}` },
      options ? [spec, options] : [spec],
    );
  } catch (error) {
    // The source refuses a specification too, once relay and origin have it. An id that breaks the schema was sent to no
    // part, and none would take it back.
    const isSchemaAtFault = causeOf(error).code === 'bad-request';
    if (!isSchemaAtFault || (isId(id) && patched('undo-bad-request'))) await undo(id, knownBy, chores);
    throw error;
  }
};

/**
 * Starts a channel's own workflow. Not async: a promise in between would bring the commands of older histories into another
 * order.
 * @throws an error of which `runsAlready` tells where there is one
 */
export const startChannel = (input: ChannelWorkflowInput): Promise<unknown> => {
  const { cell, spec } = input;
  return startChild(channel, {
    workflowId: channelWorkflowId(spec.id),
    args: [input],
    staticSummary: `channel ${spec.id}, ${spec.input.kind}`,
    typedSearchAttributes: attributes({ cell, channel: spec.id }),
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
  });
};

/** The same. @returns false where it runs already */
export const startUnlessRuns = async (input: ChannelWorkflowInput): Promise<boolean> => {
  try {
    await startChannel(input);
    return true;
  } catch (error) {
    if (runsAlready(error)) return false;
    throw error;
  }
};

export const runsAlready = (error: unknown): boolean => error instanceof WorkflowExecutionAlreadyStartedError;

/** Has a channel change itself. @returns what it is now */
/** @param requestedBy who asked; absent: an earlier release did not say */
export const requestChange = (
  channelId: string,
  change: ChannelChange,
  requestedBy?: string,
): Promise<ChannelSpec> => {
  const requestId = `change-${channelId}-${uuid4()}`;
  return threeTries60s.requestChange.executeWithOptions({ summary: `change ${channelId}` }, [
    {
      channelId,
      request: { requestId, change, requestedAtMs: Date.now(), ...(requestedBy && { requestedBy }) },
    },
  ]);
};

const undo = async (channelId: string, keepAt: string[], chores: Chores): Promise<void> => {
  if (patched('chores')) {
    chores.begin({ kind: 'unregister', channelId, keepAt });
    await chores.done(channelId, UNDONE_WITHIN).catch(() => undefined);
    return;
  }
  await CancellationScope.nonCancellable(() =>
    retryFor6h.unregisterChannel.executeWithOptions({ summary: `undo the start of ${channelId}` }, [
      { channelId, keepAt },
    ]),
  );
};

/**
 * Takes a channel off air whose workflow has ended before it did so.
 * @throws ApplicationFailure unavailable where that takes long; it goes on by itself
 */
export const removeWithoutWorkflow = async (
  channelId: string,
  requestId: string,
  chores: Chores,
): Promise<void> => {
  if (!patched('chores')) {
    await retryFor6h.removeChannel({ channelId, requestId });
    return;
  }
  chores.begin({ kind: 'remove', channelId, requestId });
  if (await chores.done(channelId, REMOVED_WITHIN)) return;
  throw refusal(
    'unavailable',
    `${channelId} is being removed, but not all of relay, origin, source and its encoder answer.`,
    'It is removed as soon as they do: nothing has to be asked for again.',
  );
};
