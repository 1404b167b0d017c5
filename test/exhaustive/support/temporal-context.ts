import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelledFailure } from '@temporalio/common';
import type { VirtualClock } from './virtual-clock';

/** What the models of Temporal's server and of its SDK share: runs, attempts, and in which of them a caller is. */

export type Duration = string | number;
export type AnyFunction = (...args: never[]) => unknown;
export type WorkflowFunction = (...args: never[]) => Promise<unknown>;

interface RetryPolicy {
  maximumAttempts?: number;
  initialInterval?: Duration;
  backoffCoefficient?: number;
  maximumInterval?: Duration;
  nonRetryableErrorTypes?: string[];
}
/** How a workflow starts another one. */
export interface ChildOptions {
  workflowId: string;
  args: never[];
  staticSummary?: string;
  staticDetails?: string;
  parentClosePolicy?: string;
  workflowTaskTimeout?: Duration;
  typedSearchAttributes?: { key: { name: string }; value: unknown }[];
}
export interface ActivityOptions {
  /** What a person reads of it in the history. */
  summary?: string;
  startToCloseTimeout?: Duration;
  scheduleToCloseTimeout?: Duration;
  heartbeatTimeout?: Duration;
  cancellationType?: string;
  retry?: RetryPolicy;
}

/** Of a sleep, or of a condition with a limit. */
export interface TimerOptions {
  summary?: string;
}

/** One attempt of an activity on the model's one worker. */
export interface Attempt {
  activity: string;
  summary?: string | undefined;
  workflowId: string;
  abort: AbortController;
  /** Its worker was killed: nothing that it does any more has an effect. */
  isDead: boolean;
  died: Promise<void>;
  kill: () => void;
  /** What the attempts of one activity said with their last heartbeat: each begins with what the one before left. */
  heartbeats: Heartbeats;
}
export interface Heartbeats {
  before: unknown;
  last: unknown;
}

export interface WorkflowRun {
  workflowId: string;
  runId: string;
  type: string;
  status: 'running' | 'completed' | 'failed';
  result: unknown;
  failure: unknown;
  done: Promise<unknown>;
  scope: Scope;
  handlers: Map<string, { run: AnyFunction; validator?: AnyFunction }>;
  handlersRunning: number;
  attributes: Map<string, unknown>;
  /** Of a run that another workflow started. */
  startedWith?: Omit<ChildOptions, 'args'>;
  details: string;
  /** Summaries of its timers, in order. */
  timers: string[];
  closedAtMs: number | null;
  /** Local activities finished in the workflow task under way: a killed worker runs them again. */
  localsOfTask: { name: string; args: never[] }[];
  /** By update id: the same id twice is one Update. */
  updates: Map<string, { result: Promise<unknown> }>;
}

interface Context {
  run: WorkflowRun;
  scope: Scope;
}

export type AttemptOutcome =
  | { kind: 'done'; value: unknown }
  | { kind: 'failed'; error: Error }
  | { kind: 'worker-killed'; error: Error };

/** The server as the model of the SDK calls it. */
export interface ServerModel {
  readonly clock: VirtualClock;
  readonly longRunIds: ReadonlySet<string>;
  readonly outdatedRunIds: ReadonlySet<string>;
  readonly upgradedRunIds: Set<string>;
  readonly fullRunIds: ReadonlySet<string>;
  nextId(prefix: string): string;
  runOf(workflowId: string): WorkflowRun;
  start(workflow: WorkflowFunction, workflowId: string, args: unknown[]): WorkflowRun;
  signal(workflowId: string, name: string, ...args: unknown[]): void;
  newAttempt(activity: string, workflowId: string, heartbeats: Heartbeats): Attempt;
  attemptOnce(
    attempt: Attempt,
    args: never[],
    options: ActivityOptions,
    isLocal: boolean,
    closesAtMs: number,
  ): Promise<AttemptOutcome>;
  again(name: string, args: never[], workflowId: string): Promise<void>;
}

let server: ServerModel;
/** The one in whose time the SDK runs; worlds come one after the other. */
export const setServer = (next: ServerModel): void => {
  server = next;
};
export const theServer = (): ServerModel => server;

export class ContinueAsNew extends Error {
  constructor(readonly args: never[]) {
    super('continue as new');
  }
}

export const current = new AsyncLocalStorage<Context>();
export const attempts = new AsyncLocalStorage<Attempt>();

export const context = (): Context => {
  const found = current.getStore();
  if (!found) throw new Error('called outside of a workflow');
  return found;
};

/** The attempt of an activity that the caller runs in; undefined elsewhere. */
export const currentAttempt = (): Attempt | undefined => attempts.getStore();

/** Cancellation scope as workflows use it. */
export class Scope {
  readonly cancelRequested: Promise<never>;
  isCancelled = false;
  private reject!: (error: Error) => void;
  private readonly children = new Set<Scope>();
  private readonly callbacks = new Set<() => void>();

  constructor(
    private readonly options: { cancellable?: boolean } = {},
    parent: Scope | undefined = current.getStore()?.scope,
  ) {
    this.cancelRequested = new Promise<never>((_, reject) => (this.reject = reject));
    this.cancelRequested.catch(() => undefined);
    parent?.children.add(this);
  }

  static nonCancellable<T>(run: () => Promise<T>): Promise<T> {
    return new Scope({ cancellable: false }).run(run);
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return current.run({ run: context().run, scope: this }, work);
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.reject(new CancelledFailure('Cancellation scope cancelled'));
    for (const callback of this.callbacks) callback();
    for (const child of this.children) if (child.options.cancellable !== false) child.cancel();
  }

  onCancel(callback: () => void): () => void {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }
}

/** A point at which Temporal ends the workflow task and records the local activities before it. */
export const endOfTask = (): void => {
  context().run.localsOfTask = [];
};
