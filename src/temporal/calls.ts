import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { SwarmError } from '../domain';
import { asker } from '../platform/asking';
import { monotonicMs } from '../platform/clock';
import { withinDeadline } from '../platform/deadline';
import { fromTemporal, temporalDown } from './errors';

const READ_DEADLINE_MS = 3_000;
/** A move waits for its target to warm up; a drain for several moves. */
const UPDATE_DEADLINE_MS = 90_000;
/** A server that is frozen or cut off must not make an operator wait for the deadline of an update. */
const ALIVE_DEADLINE_MS = 2_000;
const RECONNECT_AFTER_MS = 2_000;

export interface TemporalConnection {
  client: Client;
  close(): Promise<void>;
}

/** Refusal of whatever needs the swarm's workflow. */
export const noSwarm = (): SwarmError =>
  new SwarmError(
    'unavailable',
    'The swarm workflow does not run.',
    'Where it was terminated, the worker starts it again: ask again in a few seconds. Else run `npm start`, which starts it.',
  );

/**
 * Calls of a real Temporal server, each with a deadline, each failure a SwarmError. Connects when first needed, and
 * again when that failed.
 */
export class TemporalCalls {
  private connection: Promise<TemporalConnection> | null = null;
  /** Monotonic. */
  private failedAtMs = -Infinity;
  private lastFailure = temporalDown();

  constructor(
    private readonly connect: () => Promise<TemporalConnection>,
    private readonly nowMs: () => number = monotonicMs,
  ) {}

  /** Asks any workflow for its state. @param notFound the refusal when it does not run */
  query<T>(workflowId: string, name: string, notFound: () => SwarmError): Promise<T> {
    return this.read(notFound, (client) => client.workflow.getHandle(workflowId).query<T>(name));
  }

  /** Sends any workflow an Update and waits for its answer. */
  update<T>(workflowId: string, name: string, argument: unknown, notFound: () => SwarmError): Promise<T> {
    return this.command(notFound, (client) =>
      client.workflow.getHandle(workflowId).executeUpdate<T, [unknown]>(name, {
        args: [argument],
        updateId: randomUUID(),
      }),
    );
  }

  /**
   * Starts a workflow and waits for the answer of an Update in one step, so that it can't end unheard in between.
   * @returns null where a workflow of this id runs already: it is left alone
   */
  async updateWithStart<T>(options: {
    workflowType: string;
    workflowId: string;
    taskQueue: string;
    input: unknown;
    update: string;
    summary: string;
  }): Promise<T | null> {
    const { WithStartWorkflowOperation } = await import('@temporalio/client');
    const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(options.workflowType, {
      workflowId: options.workflowId,
      taskQueue: options.taskQueue,
      args: [options.input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: options.summary,
      workflowTaskTimeout: '5 seconds',
    });
    try {
      return await this.command(noSwarm, (client) =>
        client.workflow.executeUpdateWithStart<Workflow, T, []>(options.update, { startWorkflowOperation }),
      );
    } catch (error) {
      if (await startWorkflowOperation.workflowHandle().then(() => false, isAlreadyStarted)) return null;
      throw error;
    }
  }

  /** Any work that only reads. @param notFound the refusal when the workflow does not run */
  read<T>(notFound: () => SwarmError, work: (client: Client) => Promise<T>): Promise<T> {
    return this.call(READ_DEADLINE_MS, notFound, work);
  }

  async close(): Promise<void> {
    const connection = await this.connection?.catch(() => null);
    await connection?.close();
  }

  /** An update: first makes sure that the server is alive. */
  async command<T>(notFound: () => SwarmError, work: (client: Client) => Promise<T>): Promise<T> {
    const { client } = await this.connected();
    const alive = client.withDeadline(Date.now() + ALIVE_DEADLINE_MS, () =>
      client.workflowService.getSystemInfo({}),
    );
    await withinDeadline('Temporal', ALIVE_DEADLINE_MS, alive).catch(() => {
      throw temporalDown(`it did not answer within ${ALIVE_DEADLINE_MS} ms`);
    });
    return this.call(UPDATE_DEADLINE_MS, notFound, async (plain) => work(await namedClient(plain)));
  }

  private async call<T>(
    deadlineMs: number,
    notFound: () => SwarmError,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const { client } = await this.connected();
    try {
      return await client.withDeadline(Date.now() + deadlineMs, () => work(client));
    } catch (error) {
      throw fromTemporal(error, notFound);
    }
  }

  private async connected(): Promise<TemporalConnection> {
    if (!this.connection && this.nowMs() - this.failedAtMs < RECONNECT_AFTER_MS) throw this.lastFailure;
    this.connection ??= this.connect();
    try {
      return await this.connection;
    } catch (error) {
      this.connection = null;
      this.failedAtMs = this.nowMs();
      this.lastFailure =
        error instanceof SwarmError
          ? error
          : temporalDown(error instanceof Error ? error.message : String(error));
      throw this.lastFailure;
    }
  }
}

/** A client on the same connection by which Temporal keeps, with each event, the name of the one who asked. */
const namedClient = async (client: Client): Promise<Client> => {
  const caller = asker();
  if (!caller) return client;
  const { Client: NamedClient } = await import('@temporalio/client');
  return new NamedClient({ ...client.options, connection: client.connection, identity: caller.name });
};

const isAlreadyStarted = (error: unknown): boolean =>
  error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError';
