import {
  CancellationScope,
  ChildWorkflowCancellationType,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  executeChild,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  InstalledBuild,
  Rollback,
  RolloutCommand,
  RolloutDecision,
  RolloutEncoder,
  RolloutState,
} from '../../src/domain';
import { isOver, noEvidence, rolloutControl } from '../../src/domain/rollout-control';
import { rollbackInWords } from '../../src/domain/rollout-words';
import { attributes, upsertAttributes } from '../kit/attributes';
import { causeOf, refusalFor } from '../kit/failures';
import { whileThereIsRoom } from '../kit/history-bound';
import { WORKFLOW_TASK_TIMEOUT, retryFor3min, retryFor6h } from '../kit/steps';
import type { RolloutInput } from '../kit/types';
import { RollbackRequested } from './rollback-requested';
import { completedInWords, showRollout } from './rollout-details';
import { Soak } from './rollout-soak';
import { validateAbort, validateDecide, validatePause, validateResume } from './rollout-validation';
import { upgradeEncoder } from './upgrade-encoder';

const begunUpdate = defineUpdate<RolloutState, []>(rolloutControl.begun);
const pauseUpdate = defineUpdate<void, [RolloutCommand]>(rolloutControl.pause);
const resumeUpdate = defineUpdate<void, [RolloutCommand]>(rolloutControl.resume);
const abortUpdate = defineUpdate<void, [RolloutCommand]>(rolloutControl.abort);
const decideUpdate = defineUpdate<void, [RolloutDecision]>(rolloutControl.decide);
const stateQuery = defineQuery<RolloutState>(rolloutControl.state);

/**
 * Brings a build to all encoders of a cell (saga): a canary first, which carries its share of channels until it is
 * judged; then the least fit; then the rest, zone by zone. Worse, failed or aborted: every encoder touched gets
 * its old build back, the latest first. One at a time per cell, by its workflow id. The result is the record.
 */
export const rollout = (input: RolloutInput): Promise<RolloutState> => new Rollout(input).run();

/** Why a rollout goes back that an error has ended. */
const rollbackFor = (error: unknown): Rollback => {
  if (error instanceof RollbackRequested) return error.rollback;
  if (isCancellation(error)) return { kind: 'cancelled' };
  const { code, message } = causeOf(error);
  return { kind: 'failed', code, message };
};

class Rollout {
  private readonly state: RolloutState;
  private readonly scope = new CancellationScope();
  /** Why it goes back although nothing failed. */
  private recall: Rollback | null = null;
  private decision: RolloutDecision | null = null;

  constructor({ cell, request, carried }: RolloutInput) {
    const { workflowId, runId } = workflowInfo();
    this.state = carried ?? {
      cell,
      workflowId,
      runId,
      request,
      build: null,
      phase: 'planning',
      paused: false,
      encoders: [],
      skipped: [],
      canaryChannels: [],
      movesAtOnce: 1,
      spareUnits: 0,
      evidence: noEvidence(),
      verdict: null,
      failure: null,
      rollback: null,
      startedAtMs: Date.now(),
      canaryAtMs: null,
      rollbackAtMs: null,
      finishedAtMs: null,
      detail: 'plans its waves',
    };
  }

  async run(): Promise<RolloutState> {
    const { state } = this;
    this.handle();
    upsertAttributes({ cell: state.cell, reason: 'rollout' });
    this.say(state.detail);
    if (state.phase === 'planning') await this.plan();
    if (!isOver(state)) await this.perform();
    await condition(allHandlersFinished);
    return state;
  }

  private handle(): void {
    const { state } = this;
    setHandler(stateQuery, () => state);
    setHandler(begunUpdate, async () => {
      await condition(() => state.phase !== 'planning');
      if (state.phase === 'refused' && state.failure) throw refusalFor(state.failure);
      return state;
    });
    setHandler(pauseUpdate, (command) => this.pause(true, command), {
      validator: whileThereIsRoom((command: RolloutCommand | undefined) => validatePause(state, command)),
    });
    setHandler(resumeUpdate, (command) => this.pause(false, command), {
      validator: (command: RolloutCommand | undefined) => validateResume(state, command),
    });
    setHandler(abortUpdate, (command) => this.abort(command), {
      validator: (command: RolloutCommand | undefined) => validateAbort(state, command),
    });
    setHandler(decideUpdate, (decision) => this.decide(decision), {
      validator: (decision: RolloutDecision | undefined) => validateDecide(state, decision),
    });
  }

  private async plan(): Promise<void> {
    const { state } = this;
    const { cell, request } = state;
    try {
      const plan = await retryFor3min.planRollout.executeWithOptions(
        { summary: 'waves, and what prevents the rollout' },
        [{ cell, request }],
      );
      Object.assign(state, plan, { phase: 'upgrading' });
      this.say(`${plan.encoders.length} encoder(s) to upgrade`);
    } catch (error) {
      this.end('refused', causeOf(error));
    }
  }

  private async perform(): Promise<void> {
    const { state } = this;
    try {
      if (state.phase !== 'rolling-back') {
        await this.scope.run(() => this.forward());
        const noTarget = await this.setTarget();
        this.end('completed');
        if (noTarget) this.say(`${state.detail}; not the target: ${noTarget}`);
        return;
      }
    } catch (error) {
      state.rollback = this.recall ?? rollbackFor(error);
      if (state.rollback.kind === 'failed') {
        const { code, message } = state.rollback;
        state.failure = { code, message };
      }
    }
    await CancellationScope.nonCancellable(() => this.rollBack());
    this.end('rolled-back');
  }

  private async forward(): Promise<void> {
    const { state } = this;
    for (let batch = this.nextBatch(); batch.length > 0; batch = this.nextBatch()) {
      await condition(() => !state.paused);
      await this.continueAsNewWhereDue();
      this.enter('upgrading', `upgrades ${batch.map((e) => e.encoderId).join(', ')} (${batch[0]?.wave})`);
      await Promise.all(batch.map((encoder) => this.upgrade(encoder)));
      this.enter('soaking', `watches ${batch.map((e) => e.encoderId).join(', ')}`);
      await new Soak(state, {
        say: (detail) => this.say(detail),
        ask: (why) => this.ask(why),
      }).run(batch);
      this.replaceCanary(batch);
    }
  }

  /**
   * What joins from now on begins with the new build. One that the manager refuses as target runs all the same.
   * @returns why it was refused
   */
  private async setTarget(): Promise<string | undefined> {
    const { request, workflowId } = this.state;
    const target = { buildId: request.buildId, requestedBy: workflowId };
    return CancellationScope.nonCancellable(() =>
      retryFor6h.setTargetBuild
        .executeWithOptions({ summary: `${request.buildId} is what the cell runs` }, [target])
        .then(
          () => undefined,
          (error: unknown) => causeOf(error).message,
        ),
    );
  }

  /** A canary that left the fleet before its verdict is followed by another one. */
  private replaceCanary([first]: readonly RolloutEncoder[]): void {
    const next = this.state.encoders.find(({ status }) => status === 'waiting');
    if (first?.wave === 'canary' && first.status === 'gone' && next) next.wave = 'canary';
  }

  /** Encoders of one wave and one zone, as many as may be away at a time. */
  private nextBatch(): RolloutEncoder[] {
    const waiting = this.state.encoders.filter(({ status }) => status === 'waiting');
    const [first] = waiting;
    return waiting
      .filter(({ wave, zone }) => wave === first?.wave && zone === first.zone)
      .slice(0, this.state.request.policy.encodersAtOnce);
  }

  /** Counts as touched, and so as one to restore, before the first step is taken. */
  private async upgrade(encoder: RolloutEncoder): Promise<void> {
    const { build, canaryChannels } = this.state;
    encoder.status = 'upgrading';
    this.say(this.state.detail);
    const onlyChannels = encoder.wave === 'canary' ? { onlyChannels: canaryChannels } : {};
    const { gone } = await this.bring(encoder, build as InstalledBuild, 'up', onlyChannels);
    encoder.status = gone ? 'gone' : 'upgraded';
    this.say(this.state.detail);
  }

  private async rollBack(): Promise<void> {
    const { state } = this;
    state.rollbackAtMs ??= Date.now();
    this.enter('rolling-back', `goes back: ${rollbackInWords(state)}`);
    upsertAttributes({ outcome: 'compensated' });
    const touched = state.encoders.filter(({ status }) =>
      ['upgrading', 'upgraded', 'restoring'].includes(status),
    );
    for (const encoder of touched.reverse()) {
      encoder.status = 'restoring';
      this.say(`brings ${encoder.encoderId} back to ${encoder.from.buildId}`);
      const { gone } = await this.bring(encoder, encoder.from, 'back', { persistent: true });
      encoder.status = gone ? 'gone' : 'restored';
    }
  }

  private bring(
    encoder: RolloutEncoder,
    build: InstalledBuild,
    way: 'up' | 'back',
    more: { onlyChannels?: string[]; persistent?: boolean },
  ) {
    const { cell, workflowId, runId, movesAtOnce, spareUnits } = this.state;
    const { encoderId } = encoder;
    return executeChild(upgradeEncoder, {
      workflowId: `upgrade/${cell}/${encoderId}/${runId.slice(-8)}-${way}`,
      args: [
        {
          cell,
          encoderId,
          build,
          requestedBy: workflowId,
          requestId: `${runId}-${encoderId}-${way}`,
          movesAtOnce,
          spareUnits,
          persistent: false,
          ...more,
        },
      ],
      staticSummary: `${encoderId} ${way === 'up' ? 'to' : 'back to'} ${build.buildId}`,
      typedSearchAttributes: attributes({ cell, encoder: encoderId, reason: 'rollout' }),
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    });
  }

  /** Holds until an operator decides. Returns to go on, throws to go back. */
  private async ask(why: string): Promise<void> {
    const { state } = this;
    this.decision = null;
    this.enter('holding', `${why}; decide: continue or roll-back`);
    upsertAttributes({ outcome: 'unresolved' });
    await condition(() => this.decision !== null);
    const { decision, requestedBy } = this.decision as unknown as RolloutDecision;
    if (decision === 'roll-back') throw new RollbackRequested({ kind: 'decided', requestedBy });
    this.enter('soaking', `${requestedBy} decided to go on: ${why}`);
    state.decidedBy = requestedBy;
  }

  private async pause(paused: boolean, { requestedBy }: RolloutCommand): Promise<void> {
    this.state.paused = paused;
    this.say(`${paused ? 'paused' : 'resumed'} by ${requestedBy}`);
  }

  private async decide(decision: RolloutDecision): Promise<void> {
    this.decision = decision;
  }

  private async abort({ requestedBy }: RolloutCommand): Promise<void> {
    this.recall = { kind: 'aborted', requestedBy };
    this.say(`aborted by ${requestedBy}`);
    this.scope.cancel();
  }

  /** Between encoders only: it holds Updates up for a second or two. */
  private async continueAsNewWhereDue(): Promise<void> {
    if (!workflowInfo().continueAsNewSuggested) return;
    await condition(allHandlersFinished);
    const { cell, request } = this.state;
    await continueAsNew<typeof rollout>({ cell, request, carried: this.state });
  }

  private enter(phase: RolloutState['phase'], detail: string): void {
    this.state.phase = phase;
    this.say(detail);
  }

  private end(
    phase: 'completed' | 'rolled-back' | 'refused',
    failure?: { code: string; message: string },
  ): void {
    const { state } = this;
    if (failure) state.failure = { code: failure.code, message: failure.message };
    state.finishedAtMs = Date.now();
    upsertAttributes({ outcome: phase === 'rolled-back' ? 'compensated' : phase });
    this.enter(phase, phase === 'completed' ? completedInWords(state) : rollbackInWords(state));
  }

  private say(detail: string): void {
    this.state.detail = detail;
    showRollout(this.state);
  }
}
