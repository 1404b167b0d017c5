import { WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import { taskQueueOf } from '../config/config';
import {
  alwaysOnRungs,
  channelControl,
  versionsControl,
  versionsWorkflowId,
  type ChannelSpec,
  type ChannelWorkflowState,
  type Owner,
  type VersionsState,
} from '../domain';
import { argumentsOfRun, askEndedRun, type AskOptions, type EndedRun } from './ended-run';
import { cellAttribute } from './swarm-run';

/** Who owns a channel at the origin; null where the origin does not know it. */
export type OwnerOf = (channelId: string) => Promise<{ owner: Owner | null; token: number } | null>;

/**
 * What a new run of the versions goes on with in place of one that ended: read from the ended run itself; where no
 * worker can, as it was when that run began. Probes that were under way are over.
 * @throws what the server threw
 */
export const carriedVersions = async (
  client: Client,
  run: EndedRun,
  options: AskOptions = {},
): Promise<VersionsState | undefined> => {
  const told = await askEndedRun(
    client,
    run,
    (query) => query<VersionsState>(versionsControl.state),
    options,
  );
  const [began] = told ? [] : ((await argumentsOfRun(client, run)) as [{ carried?: VersionsState }?]);
  const carried = told ?? began?.carried;
  return carried && { ...carried, probing: {} };
};

/** Begins a run of the versions, unless one is there by now. */
export const startVersionsRun = async (
  client: Client,
  cell: string,
  carried?: VersionsState,
): Promise<void> => {
  await client.workflow.start('versions', {
    workflowId: versionsWorkflowId(cell),
    taskQueue: taskQueueOf(cell),
    args: [{ cell, ...(carried && { carried }) }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    typedSearchAttributes: cellAttribute(cell),
    staticSummary: `versions of cell ${cell}`,
    workflowTaskTimeout: '5 seconds',
  });
};

/**
 * The same of a channel. Who owns it is what the origin says: a move may have been under way.
 * @throws what the server threw; SwarmError where the origin does not answer
 */
export const carriedChannel = async (
  client: Client,
  { channelId, ...run }: EndedRun & { channelId: string },
  ownerOf: OwnerOf,
  options: AskOptions = {},
): Promise<ChannelWorkflowState | undefined> => {
  const told = await askEndedRun(
    client,
    run,
    (query) => query<ChannelWorkflowState>(channelControl.state),
    options,
  );
  const [began] = told
    ? []
    : ((await argumentsOfRun(client, run)) as [{ spec: ChannelSpec; carried?: ChannelWorkflowState }?]);
  const known = told ?? began?.carried ?? (began && newState(began.spec));
  if (!known) return undefined;
  const { owner, token } = (await ownerOf(channelId)) ?? { owner: null, token: 0 };
  return {
    ...known,
    // The control cycle places one that nobody owns.
    status: owner ? 'on-air' : 'off-air',
    ownerEncoderId: owner?.encoderId ?? null,
    ownerSessionId: owner?.sessionId ?? null,
    token,
    detail: 'goes on after its workflow had ended',
  };
};

const newState = (spec: ChannelSpec): Omit<ChannelWorkflowState, 'status' | 'detail' | 'token'> => ({
  spec,
  ...{ ownerEncoderId: null, ownerSessionId: null, rungs: alwaysOnRungs(spec) },
  ...{ moves: 0, movedAtMs: null, lastMove: null },
});
