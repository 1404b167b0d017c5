import {
  CancellationScope,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SwarmContext } from '../../activities';
import type {
  ChannelChangeRequest,
  ChannelSpec,
  ChannelWorkflowState,
  MoveRequest,
  MoveResult,
  RecoverRequest,
} from '../../src/domain';
import { channelControl } from '../../src/domain/control';
import { failureOf } from '../../src/domain/move-outcome';
import { alwaysOnRungs } from '../../src/domain/rungs';
import { upsertAttributes } from '../kit/attributes';
import { causeOf, throwAsRefusal, refusalFor } from '../kit/failures';
import { whileThereIsRoom } from '../kit/history-bound';
import { beginNextRun, heedWake, isNewBuildOut } from '../kit/next-run';
import { retryFor6h, threeTries60s } from '../kit/steps';
import type { AnsweredRequest, ChannelWorkflowInput, MoveInput } from '../kit/types';
import {
  moveInProgress,
  validateChange,
  validateInService,
  validateMove,
  validateRecover,
} from '../kit/validation';
import { changeChannel } from './channel-change';
import { startHandoff, startRecovery } from './start-move';

const moveUpdate = defineUpdate<MoveResult, [MoveRequest]>(channelControl.move);
const recoverUpdate = defineUpdate<MoveResult, [RecoverRequest]>(channelControl.recover);
const registerAgainUpdate = defineUpdate<void, []>(channelControl.registerAgain);
const changeUpdate = defineUpdate<ChannelSpec, [ChannelChangeRequest]>(channelControl.change);
const removeUpdate = defineUpdate<void, []>(channelControl.remove);
const stateQuery = defineQuery<ChannelWorkflowState>(channelControl.state);
/** The swarm hands its policy and cordons down at every change. */
export const contextSignal = defineSignal<[SwarmContext]>('swarmContext');

/** Requests whose answers are kept, so that one that comes twice is one. */
const REMEMBERED_REQUESTS = 16;

/**
 * A worker that restarts replays the whole run of each channel before it can move it, about 6 ms a move. Forty of
 * them at once (the tasks that a worker takes) must be read well within WORKFLOW_TASK_TIMEOUT: a task that takes longer
 * is begun again, and so are all the others beside it.
 */
const MOVES_PER_RUN = 8;
/** As it was for runs that began before. */
const MOVES_PER_OLDER_RUN = 25;

const settledAnswer = ({ result, refusal }: AnsweredRequest): Promise<MoveResult> => {
  if (result) return Promise.resolve(result);
  const refused = Promise.reject<MoveResult>(
    refusalFor(refusal ?? { code: 'internal', message: 'The request had no answer.' }),
  );
  // Most are never asked for again.
  refused.catch(() => undefined);
  return refused;
};

/**
 * Entity workflow of one channel, and its only mover: whatever wants the channel moved asks here, so that moves
 * of one channel are serial and those of different channels run side by side. Ends when the channel is removed.
 */
export const channel = (input: ChannelWorkflowInput): Promise<ChannelWorkflowState> =>
  new Channel(input).run();

class Channel {
  private readonly state: ChannelWorkflowState;
  private context: SwarmContext;
  private readonly cell: string;
  private readonly isNew: boolean;
  private readonly requests = new Map<string, Promise<MoveResult>>();
  /** Those of them that are over, the oldest first, for the next run. */
  private readonly answered: AnsweredRequest[] = [];
  private readonly movesBefore: number;
  /** The move under way, in a few words; one at a time. */
  private busyWith: string | null = null;
  private waiting = 0;
  private isRegistering = false;
  private moveScope: CancellationScope | null = null;

  constructor({ cell, spec, context, carried, answered = [] }: ChannelWorkflowInput) {
    this.cell = cell;
    this.context = context;
    this.isNew = carried === undefined;
    this.state = carried ?? {
      spec,
      status: 'starting',
      ownerEncoderId: null,
      ownerSessionId: null,
      token: 0,
      rungs: alwaysOnRungs(spec),
      ...{ moves: 0, movedAtMs: null, lastMove: null },
      detail: 'waits for its first encoder',
    };
    this.movesBefore = this.state.moves;
    for (const each of answered) {
      this.requests.set(each.requestId, settledAnswer(each));
      this.answered.push(each);
    }
  }

  async run(): Promise<ChannelWorkflowState> {
    const { state } = this;
    setHandler(stateQuery, () => state);
    heedWake(channelControl.wake);
    setHandler(contextSignal, (context) => {
      this.context = context;
    });
    const validateNewMove = whileThereIsRoom((request: MoveRequest | undefined) =>
      validateMove(state, this.waiting > 0 ? 'a recovery waits' : this.busyWith, request),
    );
    setHandler(moveUpdate, (request) => this.once(request.requestId, () => this.move(request)), {
      validator: (request: MoveRequest | undefined) => {
        if (request !== undefined && this.requests.has(request.requestId)) return;
        validateNewMove(request);
      },
    });
    setHandler(recoverUpdate, (request) => this.once(request.requestId, () => this.recover(request)), {
      validator: whileThereIsRoom((request: RecoverRequest | undefined) => validateRecover(state, request)),
    });
    setHandler(changeUpdate, (request) => this.change(request), {
      validator: whileThereIsRoom((request: ChannelChangeRequest | undefined) =>
        validateChange(state, request),
      ),
    });
    setHandler(removeUpdate, () => this.remove(), { validator: () => validateInService(state) });
    setHandler(registerAgainUpdate, () => this.registerAgain(), {
      validator: whileThereIsRoom(() => validateInService(state)),
    });
    this.showDetail(state.detail);

    const movesPerRun = patched('eight-moves-a-run')
      ? MOVES_PER_RUN
      : patched('short-runs')
        ? MOVES_PER_OLDER_RUN
        : Infinity;
    if (this.isNew) await this.placeFirst();
    await condition(() => state.status === 'removed' || this.mayContinueAsNew(movesPerRun));
    await condition(allHandlersFinished);
    if (state.status !== 'removed') {
      const { cell, context, answered } = this;
      await beginNextRun<typeof channel>({ cell, spec: state.spec, context, carried: state, answered });
    }
    return state;
  }

  /** Rare, and never during a move: continue-as-new holds Updates up for a second or two. */
  private mayContinueAsNew(movesPerRun: number): boolean {
    const isLong = this.state.moves - this.movesBefore >= movesPerRun;
    const isDue = isLong || workflowInfo().continueAsNewSuggested || isNewBuildOut();
    return isDue && this.busyWith === null && allHandlersFinished();
  }

  private async placeFirst(): Promise<void> {
    const requestedAtMs = Date.now();
    const request: RecoverRequest = {
      requestId: 'start',
      reason: 'start',
      lostEncoderId: null,
      lostSessionId: null,
      evidence: '',
      requestedAtMs,
    };
    try {
      const failure = failureOf(await this.recover(request));
      if (failure) this.showDetail(failure.message);
    } catch (error) {
      this.showDetail(causeOf(error).message);
    }
  }

  private once(requestId: string, run: () => Promise<MoveResult>): Promise<MoveResult> {
    const known = this.requests.get(requestId);
    if (known) return known;
    const running = run();
    this.requests.set(requestId, running);
    const [oldest] = this.requests.keys();
    if (this.requests.size > REMEMBERED_REQUESTS && oldest !== undefined) this.requests.delete(oldest);
    running.then(
      (result) => this.remember({ requestId, result }),
      (error: unknown) => this.remember({ requestId, refusal: causeOf(error) }),
    );
    return running;
  }

  private remember(answer: AnsweredRequest): void {
    this.answered.push(answer);
    if (this.answered.length > REMEMBERED_REQUESTS) this.answered.shift();
  }

  private async move(request: MoveRequest): Promise<MoveResult> {
    const { state, cell, context } = this;
    const { spec, ownerEncoderId } = state;
    const rungs = request.rungs ?? state.rungs;
    const way = `${ownerEncoderId ?? '?'} → ${request.toEncoderId ?? 'the fittest'}`;
    const input: MoveInput<MoveRequest> = { cell, spec, context, rungs, request };
    return this.exclusively('moving', `${spec.id}: ${way} (${request.reason})`, (summary) =>
      startHandoff(input, { workflowId: this.nextMoveId('handoff'), summary, ownerEncoderId }),
    );
  }

  private async recover(request: RecoverRequest): Promise<MoveResult> {
    const { state, cell, context } = this;
    const { spec, rungs } = state;
    // A move under way may have found another owner already: then there is nothing left to recover.
    this.waiting += 1;
    try {
      while (this.busyWith !== null) await condition(() => this.busyWith === null);
    } finally {
      this.waiting -= 1;
    }
    validateRecover(state, request);
    const { reason, lostEncoderId } = request;
    const what = lostEncoderId ? `${reason} ${lostEncoderId}` : reason;
    const input: MoveInput<RecoverRequest> = { cell, spec, context, rungs, request };
    return this.exclusively('recovering', `${spec.id}: ${what}`, (summary) =>
      startRecovery(input, { workflowId: this.nextMoveId('recovery'), summary }),
    );
  }

  private nextMoveId(kind: 'handoff' | 'recovery'): string {
    this.state.moves += 1;
    return `${kind}/${this.state.spec.id}/${this.state.moves}`;
  }

  /** Runs one move with nothing beside it, and takes over what became of the channel: see `failureOf`. */
  private exclusively(
    status: 'moving' | 'recovering',
    summary: string,
    run: (summary: string) => Promise<MoveResult>,
  ): Promise<MoveResult> {
    return this.occupied(status, summary, () => this.moved(summary, run));
  }

  /** Does something with no move beside it. */
  private async occupied<T>(
    status: 'moving' | 'recovering',
    summary: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const { state } = this;
    if (this.busyWith !== null) throw moveInProgress(state.spec.id, this.busyWith);
    this.busyWith = summary;
    if (state.status !== 'starting') state.status = status;
    this.showDetail(summary);
    try {
      return await work();
    } catch (error) {
      const cause = causeOf(error);
      this.showDetail(`${summary} failed: ${cause.message}`);
      throw refusalFor(cause);
    } finally {
      this.busyWith = null;
      this.settle();
    }
  }

  private async moved(summary: string, run: (summary: string) => Promise<MoveResult>): Promise<MoveResult> {
    this.moveScope = new CancellationScope();
    try {
      const result = await this.moveScope.run(() => run(summary));
      this.absorb(result);
      return result;
    } finally {
      this.moveScope = null;
    }
  }

  private settle(): void {
    const { state } = this;
    if (state.status !== 'removing') state.status = state.ownerEncoderId === null ? 'off-air' : 'on-air';
  }

  private absorb(result: MoveResult): void {
    const { state } = this;
    state.lastMove = result;
    // Token 0: refused before the owner at the origin was even read.
    if (result.token > 0 && !this.isOutdated(result)) {
      const { ownerEncoderId, ownerSessionId, token } = result;
      if (ownerEncoderId !== null && ownerEncoderId !== state.ownerEncoderId) {
        upsertAttributes({ encoder: ownerEncoderId });
      }
      Object.assign(state, { ownerEncoderId, ownerSessionId, token });
    }
    if (result.outcome === 'completed' || result.outcome === 'recovered') {
      state.rungs = result.rungs;
      state.movedAtMs = result.finishedAtMs;
    }
    this.showDetail(
      `${result.reason}: ${result.outcome}${result.failure ? `, ${result.failure.message}` : ''}`,
    );
  }

  /** Of a move that changed nothing, as it was told of an earlier owner. An origin that lost its state begins anew. */
  private isOutdated({ outcome, token }: MoveResult): boolean {
    const isOlder = token < this.state.token && outcome !== 'completed' && outcome !== 'recovered';
    return isOlder && patched('outdated-results');
  }

  /** Here, and not in the cycle that finds the loss: a late one must not bring back what was removed meanwhile. */
  private async registerAgain(): Promise<void> {
    if (this.isRegistering) return;
    try {
      // The channel is one of the swarm's already: its input may come later.
      await this.register(this.state.spec, true);
    } catch (error) {
      throwAsRefusal(error);
    }
  }

  private async register(spec: ChannelSpec, inputMayBeAway: boolean): Promise<void> {
    while (this.isRegistering) await condition(() => !this.isRegistering);
    this.isRegistering = true;
    try {
      await threeTries60s.registerChannel.executeWithOptions(
        { summary: `relay, origin and source of ${spec.id}` },
        [spec, { inputMayBeAway }],
      );
    } finally {
      this.isRegistering = false;
    }
  }

  /** With nothing beside it. A refusal changes nothing: what was changed by then is changed back. */
  private async change(asked: ChannelChangeRequest): Promise<ChannelSpec> {
    const { requestId, change, requestedAtMs, requestedBy = 'operator' } = asked;
    const { state, cell, context } = this;
    // An encoder may be looked for in vain: the change is what it waits for.
    while (this.busyWith !== null && state.ownerEncoderId === null) {
      this.moveScope?.cancel();
      await condition(() => this.busyWith === null);
    }
    validateInService(state);
    const summary = `${state.spec.id}: is being changed`;
    return this.occupied('moving', summary, async () => {
      state.spec = await changeChannel(state, change, {
        register: (spec, inputMayBeAway) => this.register(spec, inputMayBeAway),
        handoff: ({ spec, rungs, toEncoderId }) =>
          this.moved(summary, () => {
            const request: MoveRequest = {
              ...{ requestId, reason: 'ladder', requestedBy, requestedAtMs, otherLadder: true },
              ...(toEncoderId !== undefined && { toEncoderId }),
            };
            const run = {
              workflowId: this.nextMoveId('handoff'),
              summary,
              ownerEncoderId: state.ownerEncoderId,
            };
            return startHandoff({ cell, spec, context, rungs, request }, run);
          }),
      });
      this.showDetail('is changed');
      return state.spec;
    });
  }

  private async remove(): Promise<void> {
    const { state } = this;
    state.status = 'removing';
    this.showDetail('is being removed');
    this.moveScope?.cancel();
    const isIdle = (): boolean => this.busyWith === null && !this.isRegistering;
    while (!isIdle()) await condition(isIdle);
    const { workflowId, runId } = workflowInfo();
    await retryFor6h.removeChannel.executeWithOptions(
      { summary: `take ${state.spec.id} off air, forget it` },
      [{ channelId: state.spec.id, requestId: `${workflowId}/${runId}/remove` }],
    );
    Object.assign(state, { status: 'removed', ownerEncoderId: null, ownerSessionId: null });
    this.showDetail('removed');
  }

  private showDetail(detail: string): void {
    const { state } = this;
    state.detail = detail;
    const last = state.lastMove;
    setCurrentDetails(
      [
        `### ${state.spec.id}: ${this.busyWith === null ? state.status : 'being moved'}`,
        `- owner **${state.ownerEncoderId ?? 'none'}**, token ${state.token}, ${state.rungs} rung(s), ${state.moves} move(s)`,
        `- now: ${detail}`,
        ...(last ? [`- last move: \`${last.workflowId}\` ${last.reason} → **${last.outcome}**`] : []),
      ].join('\n'),
    );
  }
}
