import {
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  executeChild,
  getExternalWorkflowHandle,
  log,
  patched,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  AddChannelOptions,
  CarriedSwarm,
  ChannelChange,
  ChannelPage,
  ChannelPageRequest,
  ChannelSpec,
  ChannelWorkflowState,
  CordonRequest,
  EncoderLost,
  Policy,
  SessionFailed,
  SwarmContext,
  SwarmProgress,
  SwarmRules,
  SwarmWorkflowInput,
  SwarmWorkflowState,
} from '../../src/domain';
import { channelWorkflowId, swarmControl } from '../../src/domain/control';
import { withCordon, withoutCordon, withoutEncoder } from '../../src/domain/cordons';
import { noProvisioning, withEnded, withRequested, withoutForgotten } from '../../src/domain/provisioning';
import { drainEncoder } from '../fleet/drain';
import { encoderRequestEndedSignal, encodersRequestedSignal } from '../fleet/scaling';
import { attributes } from '../kit/attributes';
import { causeOf, refusal, throwAsRefusal } from '../kit/failures';
import { mustEndRun } from '../kit/history-bound';
import { beginNextRun, isNewBuildOut } from '../kit/next-run';
import { WORKFLOW_TASK_TIMEOUT, local8s, threeTries60s } from '../kit/steps';
import {
  validateAddChannel,
  validateCordon,
  validateRemoveChannel,
  validateUpdateChannel,
} from '../kit/validation';
import { contextSignal } from '../moves/channel';
import { ChannelList } from './channel-list';
import { Chores } from './chores';
import { controlCycle } from './control-cycle';
import { recoverChannelsOf, recoverSession } from './losses';
import {
  registerChannel,
  removeWithoutWorkflow,
  requestChange,
  runsAlready,
  startChannel,
  startUnlessRuns,
} from './registration';
import { showSwarm } from './swarm-details';

const addChannelUpdate = defineUpdate<void, [ChannelSpec, AddChannelOptions?]>(swarmControl.addChannel);
const updateChannelUpdate = defineUpdate<void, [string, ChannelChange, string?]>(swarmControl.updateChannel);
const removeChannelUpdate = defineUpdate<void, [string]>(swarmControl.removeChannel);
const takeUpUpdate = defineUpdate<boolean, [string, ChannelWorkflowState?]>(swarmControl.takeUpChannel);
const cordonUpdate = defineUpdate<void, [CordonRequest]>(swarmControl.cordon);
const uncordonUpdate = defineUpdate<void, [CordonRequest]>(swarmControl.uncordon);
const drainUpdate = defineUpdate<void, [CordonRequest]>(swarmControl.drain);
const setPolicyUpdate = defineUpdate<void, [Policy]>(swarmControl.setPolicy);
const encoderLostSignal = defineSignal<[EncoderLost]>(swarmControl.encoderLost);
const sessionFailedSignal = defineSignal<[SessionFailed]>(swarmControl.sessionFailed);
const wakeSignal = defineSignal(swarmControl.wake);
const stateQuery = defineQuery<SwarmWorkflowState>(swarmControl.state);
const rulesQuery = defineQuery<SwarmRules>(swarmControl.rules);
const progressQuery = defineQuery<SwarmProgress>(swarmControl.progress);
const channelsQuery = defineQuery<ChannelPage, [ChannelPageRequest]>(swarmControl.channels);

/** A cycle that hangs is given up: the next one looks at the swarm as it is then. */
const CYCLE_TIMEOUT = '30 seconds';

/** A worker that restarts replays the whole run before it can recover a channel. */
const CYCLES_PER_RUN = 60;

/**
 * The swarm of one cell: runs a control cycle every few seconds, keeps the list of channels, the cordons and the
 * policy, and answers the loss of an encoder at once, beside any cycle. Runs for as long as the cell exists.
 * @param packed the channels, where there are many (see ChannelList)
 */
export const swarm = (input: SwarmWorkflowInput, packed?: Uint8Array): Promise<never> =>
  new Swarm(input, packed).run();

class Swarm {
  private readonly state: Omit<CarriedSwarm, 'channels' | 'chores'>;
  private readonly channels: ChannelList;
  private readonly cell: string;
  private readonly cycleSeconds: number;
  private readonly chores: Chores;
  private readonly beingAdded = new Map<string, ChannelSpec>();
  private readonly beingRemoved = new Set<string>();
  private isWoken: boolean;
  private drains = 0;
  /** Channels ask for policy and cordons, instead of getting signals. */
  private isAskedForRules = false;

  constructor(
    { cell, cycleSeconds, policy, carried, isWoken = false }: SwarmWorkflowInput,
    packed: Uint8Array | undefined,
  ) {
    this.cell = cell;
    this.isWoken = isWoken;
    this.cycleSeconds = cycleSeconds;
    const before: CarriedSwarm = carried ?? {
      cell,
      cycle: 0,
      policy,
      cordons: {},
      lowDemandSinceMs: null,
      lastCycle: null,
    };
    const { channels = [], chores = [], ...state } = before;
    this.state = state;
    this.channels = new ChannelList(packed ? { packed } : { channels });
    this.chores = new Chores(chores, (done) => {
      if (done.kind === 'remove') this.forget(done.channelId);
    });
  }

  async run(): Promise<never> {
    const { state } = this;
    this.isAskedForRules = patched('rules-by-query');
    setHandler(stateQuery, () => this.wholeState());
    setHandler(rulesQuery, () => this.rules());
    setHandler(progressQuery, () => ({ cycle: state.cycle, lastCycle: state.lastCycle }));
    setHandler(channelsQuery, (page) => this.channels.page(page, this.channelsRevision()));
    setHandler(wakeSignal, () => {
      this.isWoken = true;
    });
    setHandler(encodersRequestedSignal, (requests) => {
      state.provisioning = withRequested(this.provisioning, requests);
    });
    setHandler(encoderRequestEndedSignal, (ended) => {
      state.provisioning = withEnded(this.provisioning, ended);
      // What came carries from now on, what failed is missing: either way the plan is another one.
      this.isWoken = true;
    });
    setHandler(encoderLostSignal, (lost) => this.wakeUnless(recoverChannelsOf(lost)));
    setHandler(sessionFailedSignal, (failed) => this.wakeUnless(recoverSession(failed)));
    setHandler(addChannelUpdate, (spec, options) => this.addChannel(spec, options), {
      validator: (spec: ChannelSpec | undefined, _options?: AddChannelOptions) =>
        validateAddChannel(this.channels, this.beingAdded, this.chores, spec),
    });
    setHandler(updateChannelUpdate, (id, change, by) => this.updateChannel(id, change, by), {
      validator: (id?: string, change?: ChannelChange, _by?: string) =>
        validateUpdateChannel(this.channels, id, change),
    });
    setHandler(removeChannelUpdate, (channelId) => this.removeChannel(channelId), {
      validator: (channelId: string | undefined) => validateRemoveChannel(this.channels, channelId),
    });
    setHandler(takeUpUpdate, (channelId, state) => this.takeUpChannel(channelId, state));
    setHandler(cordonUpdate, (request) => this.cordon(request, false), { validator: validateCordon });
    setHandler(uncordonUpdate, (request) => this.uncordon(request), { validator: validateCordon });
    setHandler(drainUpdate, (request) => this.drain(request), { validator: validateCordon });
    setHandler(setPolicyUpdate, (policy) => this.setPolicy(policy));
    this.show();
    this.chores.resume();

    const cyclesPerRun = patched('short-swarm-runs') ? CYCLES_PER_RUN : Infinity;
    const cyclesBefore = state.cycle;
    for (;;) {
      await condition(() => this.isWoken, this.cycleSeconds * 1_000, {
        summary: 'until the next control cycle',
      });
      this.isWoken = false;
      await this.runCycle();
      const isLong = state.cycle - cyclesBefore >= cyclesPerRun || workflowInfo().continueAsNewSuggested;
      if (((isLong || isNewBuildOut()) && allHandlersFinished()) || mustEndRun()) await this.beginNextRun();
    }
  }

  private async beginNextRun(): Promise<void> {
    const { cell, cycleSeconds, isWoken, state } = this;
    const { policy } = state;
    const channels = this.channels.carried();
    const rest = { cell, cycleSeconds, policy, isWoken };
    const carried: CarriedSwarm = { ...state, chores: this.chores.left };
    if ('packed' in channels) await beginNextRun<typeof swarm>({ ...rest, carried }, channels.packed);
    else await beginNextRun<typeof swarm>({ ...rest, carried: { ...carried, ...channels } });
  }

  private async runCycle(): Promise<void> {
    const { state, cell } = this;
    state.provisioning = withoutForgotten(this.provisioning, Date.now());
    state.cycle += 1;
    const { cycle } = state;
    try {
      const result = await executeChild(controlCycle, {
        workflowId: `cycle/${cell}/${cycle}`,
        args: [{ cell, cycle, lowDemandSinceMs: state.lowDemandSinceMs }],
        staticSummary: `cycle ${cycle} of ${cell}: ${this.channels.all.length} channels`,
        typedSearchAttributes: attributes({ cell }),
        workflowExecutionTimeout: CYCLE_TIMEOUT,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      });
      state.lastCycle = result;
      state.lowDemandSinceMs = result.plan.lowDemandSinceMs;
    } catch (error) {
      // Channels on air need no cycle, and the next one starts from what it sees itself.
      log.warn('control cycle failed', { cycle, cause: causeOf(error).message });
    }
    this.show();
  }

  private get provisioning() {
    return this.state.provisioning ?? noProvisioning();
  }

  /** What could not be asked for, the next cycle finds. */
  private async wakeUnless(asked: Promise<boolean>): Promise<void> {
    if (!(await asked)) this.isWoken = true;
  }

  private async addChannel(given: ChannelSpec, options?: AddChannelOptions): Promise<void> {
    const { id } = given;
    this.beingAdded.set(id, given);
    try {
      const spec = await registerChannel(given, options, this.chores);
      try {
        await startChannel({ cell: this.cell, spec, context: this.context() });
      } catch (error) {
        // It outlived an earlier swarm of this cell: it is on air, and goes on.
        if (!runsAlready(error)) throw error;
        await this.handDown([id]);
      }
      this.channels.add(spec);
    } catch (error) {
      throwAsRefusal(error);
    } finally {
      this.beingAdded.delete(id);
    }
    this.show();
  }

  /** Here, and not by whoever found it: one that is being removed must not come back. */
  private async takeUpChannel(channelId: string, carried?: ChannelWorkflowState): Promise<boolean> {
    const known = this.channels.all.find(({ id }) => id === channelId);
    if (!known || this.beingRemoved.has(channelId) || this.chores.isAt(channelId)) return false;
    const spec = carried?.spec ?? known;
    const input = { cell: this.cell, spec, context: this.context(), ...(carried && { carried }) };
    const began = await startUnlessRuns(input);
    if (began) this.channels.replace(spec);
    return began;
  }

  private async updateChannel(channelId: string, change: ChannelChange, by?: string): Promise<void> {
    this.channels.replace(await requestChange(channelId, change, by).catch(throwAsRefusal));
  }

  private async removeChannel(channelId: string): Promise<void> {
    const requestId = `remove-${channelId}-${uuid4()}`;
    this.beingRemoved.add(channelId);
    try {
      const { found } = await threeTries60s.requestRemoval.executeWithOptions(
        { summary: `remove ${channelId}` },
        [{ channelId, requestId }],
      );
      if (!found) await removeWithoutWorkflow(channelId, requestId, this.chores);
    } catch (error) {
      throwAsRefusal(error);
    } finally {
      this.beingRemoved.delete(channelId);
    }
    this.forget(channelId);
  }

  private forget(channelId: string): void {
    this.channels.remove(channelId);
    this.show();
  }

  private async cordon(request: CordonRequest, draining: boolean): Promise<void> {
    await this.assertKnown(request.encoderId);
    this.state.cordons = withCordon(this.state.cordons, request, { draining, atMs: Date.now() });
    await this.handDown();
  }

  /** Also for an encoder that has left the fleet: all of its entry goes. One that is not cordoned stays so. */
  private async uncordon(request: CordonRequest): Promise<void> {
    const { state } = this;
    const { encoderId } = request;
    const before = state.cordons[encoderId];
    let isKnown = true;
    if (!before || before.people) {
      try {
        await this.assertKnown(encoderId);
      } catch (error) {
        if (!before || causeOf(error).code !== 'unknown-encoder') throw error;
        isKnown = false;
      }
    }
    // Read only now: other cordons may have come and gone meanwhile.
    const { cordons } = state;
    state.cordons = isKnown ? withoutCordon(cordons, request) : withoutEncoder(cordons, encoderId);
    await this.handDown();
  }

  private async assertKnown(encoderId: string): Promise<void> {
    try {
      await local8s.assertEncoderKnown({ encoderId });
    } catch (error) {
      throwAsRefusal(error);
    }
  }

  private async drain(request: CordonRequest): Promise<void> {
    const { cell } = this;
    const { encoderId, requestedBy } = request;
    await this.cordon(request, true);
    this.drains += 1;
    const { runId } = workflowInfo();
    const { left } = await executeChild(drainEncoder, {
      workflowId: `drain/${cell}/${encoderId}/${runId.slice(-8)}-${this.drains}`,
      args: [{ cell, encoderId, requestedBy }],
      staticSummary: `drain ${encoderId}, asked for by ${requestedBy}`,
      typedSearchAttributes: attributes({ cell, encoder: encoderId, reason: 'drain' }),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    }).catch(throwAsRefusal);
    if (left.length > 0) {
      throw refusal(
        'no-target',
        `${encoderId} is cordoned, but keeps ${left.map((c) => `${c.channelId} (${c.why})`).join('; ')}`,
        'Add an encoder or uncordon another one, then drain again.',
      );
    }
  }

  private async setPolicy(given: Policy): Promise<void> {
    try {
      this.state.policy = await local8s.checkPolicy(given);
    } catch (error) {
      throwAsRefusal(error);
    }
    await this.handDown();
  }

  private rules(): SwarmRules {
    const { policy, cordons, lowDemandSinceMs, provisioning } = this.state;
    const channelsRevision = this.channelsRevision();
    return { policy, cordons, lowDemandSinceMs, ...(provisioning && { provisioning }), channelsRevision };
  }

  /** In one answer, as older clients ask for it. */
  private wholeState(): SwarmWorkflowState {
    const { all, isShort } = this.channels;
    if (!isShort) {
      throw new Error(
        `${all.length} channels are too many for one answer: ask for rules, progress and pages of channels.`,
      );
    }
    return { ...this.state, channels: [...all] };
  }

  private show(): void {
    showSwarm(this.state, this.channels);
  }

  /** Tells the lists of one run apart, and those of different runs. */
  private channelsRevision(): string {
    return `${workflowInfo().runId}/${this.channels.revision}`;
  }

  private context(): SwarmContext {
    const { policy, cordons } = this.state;
    return { policy, cordons };
  }

  /**
   * Choices of an encoder read policy and cordons here, by query, so that a move asked for after a cordon knows of it.
   * Runs that began before that tell every channel instead.
   */
  private async handDown(channelIds = this.channels.all.map((spec) => spec.id)): Promise<void> {
    if (this.isAskedForRules) {
      this.show();
      return;
    }
    const context = this.context();
    await Promise.all(
      channelIds.map((id) =>
        getExternalWorkflowHandle(channelWorkflowId(id))
          .signal(contextSignal, context)
          .catch((error: unknown) => log.warn('channel not reached', { id, cause: causeOf(error).message })),
      ),
    );
    this.show();
  }
}
