import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowUpdateFailedError, WorkflowUpdateStage } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import { channelWorkflowId, fromFailureFields, swarmWorkflowId } from '../../src/domain';
import type { Dependencies } from './dependencies';
import { refusingClient } from './refusing-client';
import type { Acceptance } from './types';

const REQUEST_DEADLINE_MS = 3_000;

/** The refusal that an Update failed with; anything else is thrown on. */
export const updateRefusal = (error: unknown): { code: string; message: string } => {
  if (error instanceof WorkflowNotFoundError) return { code: 'unknown-channel', message: error.message };
  if (!(error instanceof WorkflowUpdateFailedError)) throw error;
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return fromFailureFields(cause);
  return { code: 'internal', message: cause?.message ?? error.message };
};

/** The worker's client for Updates of channels and swarm: one that a validator refuses fails when it is started. */
export class UpdateClient {
  private readonly refusing = new WeakMap<Client, Client>();

  constructor(private readonly options: Pick<Dependencies, 'cell' | 'temporal'>) {}

  channel(channelId: string): WorkflowHandle {
    return this.client().workflow.getHandle(channelWorkflowId(channelId));
  }

  swarm(): WorkflowHandle {
    return this.client().workflow.getHandle(swarmWorkflowId(this.options.cell));
  }

  /** Waits until the channel accepts or refuses, not until it has done what was asked. */
  async ask<R extends { requestId: string }>(
    channelId: string,
    update: string,
    request: R,
  ): Promise<Acceptance> {
    try {
      await this.client().withDeadline(Date.now() + REQUEST_DEADLINE_MS, () =>
        this.channel(channelId).startUpdate<unknown, [R]>(update, {
          args: [request],
          updateId: request.requestId,
          waitForStage: WorkflowUpdateStage.ACCEPTED,
        }),
      );
      return { accepted: true };
    } catch (error) {
      const { code, message } = updateRefusal(error);
      return { accepted: false, why: `${code}: ${message}` };
    }
  }

  /** One for each client of the worker, which has a new one after it lost its server for long. */
  private client(): Client {
    const plain = this.options.temporal();
    const client = this.refusing.get(plain) ?? refusingClient(plain);
    this.refusing.set(plain, client);
    return client;
  }
}
