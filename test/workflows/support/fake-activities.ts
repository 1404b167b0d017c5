import type { Activities, CyclePlan } from '../../../activities';
import { withFailures } from '../../../activities/kit/failures';
import {
  SwarmError,
  type EncoderUpdate,
  type ErrorCode,
  type Fitness,
  type MoveResult,
  type Owner,
  type Plan,
  type SwarmContext,
} from '../../../src/domain';

/**
 * The swarm behind the activities, reduced to what a workflow can tell: who owns each channel, and what was
 * asked in which order. Faults are injected by overriding one activity.
 */
export class FakeActivities {
  readonly calls: string[] = [];
  readonly owners = new Map<string, { token: number; owner: Owner | null }>();
  readonly recorded: MoveResult[] = [];
  encoderIds = ['enc-1', 'enc-2', 'enc-3'];
  nextGop = 100;
  plan: Plan = { moves: [], scale: { kind: 'none' }, unmet: [], lowDemandSinceMs: null };
  fitness: Fitness[] = [];
  updates: EncoderUpdate[] = [];
  /** Where choices read policy and cordons; they keep to what their channel was given where there is none. */
  rules: () => Promise<SwarmContext | null> = async () => null;

  ownedBy(channelId: string, encoderId: string, sessionId = `${channelId}-old`, token = 1): this {
    this.owners.set(channelId, { token, owner: { encoderId, sessionId } });
    return this;
  }

  ownerOf(channelId: string): { token: number; owner: Owner | null } {
    return this.owners.get(channelId) ?? { token: 0, owner: null };
  }

  own(channelId: string, expectToken: number, owner: Owner | null): number {
    const { token } = this.ownerOf(channelId);
    if (token !== expectToken) throw new SwarmError('stale-token', `token is ${token}, not ${expectToken}`);
    this.owners.set(channelId, { token: token + 1, owner });
    return token + 1;
  }

  /** What a cycle that sees nothing at fault hands back, but for `more`. */
  cyclePlan(more: Partial<CyclePlan> = {}): CyclePlan {
    const { fitness, plan, updates } = this;
    return {
      atMs: Date.now(),
      snapshot: { snapshotId: 's-1', sha256: '0'.repeat(64), stored: true },
      forecast: { forecastId: 'f-1', model: 'seasonal-naive', issuedAtMs: Date.now() },
      ...{ fitness, plan, updates, lost: [], orphans: [], unregistered: [], unreachable: [] },
      leavingCordonedBy: null,
      ...more,
    };
  }

  /** The activities, each answering at once; those in `overrides` replace the simple ones. */
  activities(overrides: Partial<Activities> = {}): Activities {
    const note = (line: string): void => {
      this.calls.push(line);
    };
    const at = () => ({ atMs: Date.now() });
    const simple: Activities = {
      planCycle: async () => {
        const answer = this.cyclePlan();
        this.forgetProvisioning();
        return answer;
      },
      observe: async ({ channels }) => ({
        snapshot: { cell: 'test', atMs: Date.now(), encoders: [], channels: [] },
        unreachable: [],
        lost: [],
        orphans: [],
        unregistered: channels.length < 0 ? [''] : [],
      }),
      latestForecast: async () => ({ forecastId: 'f-1', model: 'seasonal-naive', issuedAtMs: Date.now() }),
      decide: async () => {
        const { fitness, plan, updates } = this;
        this.forgetProvisioning();
        return { fitness, plan, updates };
      },
      checkPolicy: async (policy) => policy,
      chooseTarget: async ({ spec, toEncoderId, exclude, rungs, purpose, context: given }) => {
        const context = (await this.rules()) ?? given;
        const { token, owner } = this.ownerOf(spec.id);
        const isCordoned = (id: string): boolean => {
          const cordon = context.cordons[id];
          return cordon !== undefined && !cordon.exceptChannels?.includes(spec.id);
        };
        const free = this.encoderIds.filter(
          (id) => !exclude.includes(id) && id !== owner?.encoderId && !isCordoned(id),
        );
        const encoderId = toEncoderId ?? free[0];
        note(`choose ${encoderId ?? 'nobody'} for ${purpose}`);
        if (encoderId === undefined) throw new SwarmError('no-target', 'nobody has room');
        if (isCordoned(encoderId)) throw new SwarmError('encoder-cordoned', `${encoderId} is cordoned`);
        return {
          encoderId,
          rungs,
          explanation: { summary: `${encoderId} is the fittest`, figures: {}, rejected: [] },
          facts: { token, owner, nextGop: this.nextGop, hasPublished: true, oldestGop: 0 },
          ...at(),
        };
      },
      prepareTarget: async ({ encoderId, fromGop }) => {
        note(`prepare ${encoderId} from ${fromGop}`);
        return { startedAtMs: Date.now(), ...at() };
      },
      takeOwnership: async ({ channelId, expectToken, owner, fromGop }) => {
        note(`own ${owner?.encoderId}`);
        return { token: this.own(channelId, expectToken, owner), firstGop: fromGop, ...at() };
      },
      returnOwnership: async ({ channelId, from, to }) => {
        const { token, owner } = this.ownerOf(channelId);
        note(`return ${to.encoderId}`);
        if (owner?.sessionId !== from.sessionId && owner?.sessionId !== to.sessionId)
          return { granted: null, ...at() };
        return { granted: { token: this.own(channelId, token, to), firstGop: this.nextGop }, ...at() };
      },
      commitTarget: async ({ encoderId, token }) => {
        note(`commit ${encoderId} ${token}`);
        return at();
      },
      awaitPublished: async ({ owner }) => {
        note(`published ${owner.encoderId}`);
        return { published: true, ...at() };
      },
      releaseSession: async ({ encoderId, sessionId }) => {
        note(`release ${encoderId} ${sessionId.endsWith('-old') ? 'old' : 'new'}`);
        return at();
      },
      takeOver: async ({ spec, encoderId, sessionId, facts }) => {
        note(`take over ${encoderId}`);
        const token = this.own(spec.id, facts.token, { encoderId, sessionId });
        return { token, firstGop: facts.nextGop, gapsDeclared: 0, startedAtMs: Date.now(), ...at() };
      },
      recordMove: async ({ result }) => {
        this.recorded.push(result);
      },
      assertEncoderKnown: async ({ encoderId }) => {
        if (!this.encoderIds.includes(encoderId))
          throw new SwarmError('unknown-encoder', `no encoder ${encoderId}`);
      },
      partsKnowing: async () => [],
      registerChannel: async (spec) => {
        note(`register ${spec.id}`);
        return spec;
      },
      unregisterChannel: async ({ channelId, keepAt }) => {
        note(`unregister ${channelId}${keepAt.length > 0 ? ` but at ${keepAt.join(',')}` : ''}`);
      },
      removeChannel: async ({ channelId }) => {
        note(`remove ${channelId}`);
        this.owners.delete(channelId);
      },
      scoreForecasts: async () => ({ scored: 0, drifts: [] }),
      issueForecast: async () => ({
        forecastId: 'f-1',
        model: 'seasonal-naive',
        channels: 1,
        held: [],
        historySteps: 504,
        peakUnitsP90: 6,
      }),
      collectTrainingHistory: async () => ({ series: 2, days: 21, fromMs: 0, toMs: 1 }),
      trainModel: async ({ seed }) => ({
        seed,
        startedFrom: null,
        backEnd: 'wasm',
        epochs: 20,
        batchesPerEpoch: 10,
        batchSize: 256,
        learningRate: 5e-4,
        loss: 0.1,
        seconds: 1,
        series: 2,
        learnedFromMs: 0,
        learnedToMs: 1,
        resumedFromEpoch: 0,
        passedOver: [],
      }),
      evaluateModel: async () => ({
        windows: 12,
        candidate: { pinball: 0.5, cover80: 0.8, over90: 0.1 },
        inUse: null,
      }),
      settleModel: async ({ modelId }) => ({ modelId, accepted: true, why: 'not worse' }),
      discardTraining: async () => undefined,
      provisionEncoder: async ({ zone }) => {
        const encoderId = `enc-${this.encoderIds.length + 1}`;
        note(`provision ${encoderId}${zone === undefined ? '' : ` in ${zone}`}`);
        this.encoderIds.push(encoderId);
        return { encoderId };
      },
      awaitEncoderHealthy: async () => at(),
      resolveBuild: async ({ id, source, digest = id.padEnd(64, '0') }) => ({
        ...{ id, source, digest, executablePath: `/${id}`, ffmpegVersion: id, capabilities: [] },
        ...{ compatibilityClass: null, probedAtMs: null },
      }),
      listProbeCases: async () => ['one', 'two'],
      probeCase: async ({ build, caseName }) => {
        note(`probe ${build.id} ${caseName}`);
        return { facts: [], realTimeRatio: 5 };
      },
      classify: async ({ cases }) => ({
        ...{ facts: [], realTimeRatio: cases.length, compatibilityClass: 'c-1' },
      }),
      requireInstalled: async () => undefined,
      requireChannel: async ({ channelId }) => {
        if (!this.owners.has(channelId)) throw new SwarmError('unknown-channel', `no channel ${channelId}`);
      },
      encodersRunning: async () => [],
      planUpdate: async ({ buildId }) => ({
        build: { buildId, executablePath: `/${buildId}`, digest: buildId.padEnd(64, '0') },
        before: { buildId: 'before', executablePath: '/before', digest: 'b'.repeat(64) },
      }),
      haltSynchronisation: async ({ encoderId, why }) => note(`halt for ${encoderId}: ${why}`),
      selfTest: async ({ encoderId }) => {
        note(`self-test ${encoderId}`);
        return at();
      },
      setEncoderBuild: async ({ encoderId, build }) => {
        note(`build ${build.buildId} on ${encoderId}`);
        return { encoderId };
      },
      deprovisionEncoder: async ({ encoderId }) => note(`deprovision ${encoderId}`),
      requestMove: notFaked,
      requestRecovery: notFaked,
      requestRegistration: notFaked,
      recoverChannelsOf: notFaked,
      requestChange: notFaked,
      requestRemoval: notFaked,
      channelsOn: notFaked,
      moveAndWait: notFaked,
      requestDrain: notFaked,
      requestUncordon: notFaked,
      requestCordon: notFaked,
      planRollout: notFaked,
      awaitBuild: async () => at(),
      compareBuilds: notFaked,
      setTargetBuild: async ({ buildId }) => note(`target ${buildId}`),
    };
    return withFailures({ ...simple, ...overrides });
  }

  /** Like a planner that sees what it asked for under way. */
  private forgetProvisioning(): void {
    const { plan } = this;
    if (plan.scale.kind === 'provision') this.plan = { ...plan, scale: { kind: 'none' } };
  }
}

const notFaked = (): Promise<never> => Promise.reject(new Error('this test gives no such activity'));

/** Fails with a refusal or a passing error. */
export const failing =
  (code: ErrorCode, message = `${code} on purpose`) =>
  (): Promise<never> =>
    Promise.reject(new SwarmError(code, message));
