import { createActivities, type Dependencies } from '../../../activities';
import { withFailures } from '../../../activities/kit/failures';
import type { PrepareSession } from '../../../src/contracts/encoder/requests';
import { OriginClient, type OwnRequest } from '../../../src/contracts/origin';
import { RelayClient } from '../../../src/contracts/relay';
import { SourceClient } from '../../../src/contracts/source';
import {
  SwarmError,
  channelControl,
  channelWithDefaults,
  channelWorkflowId,
  emptyVersions,
  policySchema,
  rolloutWorkflowId,
  swarmControl,
  swarmWorkflowId,
  versionsControl,
  versionsWorkflowId,
  type ChannelSpec,
  type ChannelWorkflowState,
  type EncoderBuild,
  type EncoderInfo,
  type InstalledBuild,
  type RolloutState,
  type SwarmWorkflowState,
  type VersionsState,
} from '../../../src/domain';
import { createSharedViews } from '../../../src/observation/shared-views';
import { ForecastInputReader } from '../../../src/telemetry/forecast-input-reader';
import type { TelemetryStore } from '../../../src/telemetry/store';
import { swarm } from '../../../workflows/cycle/swarm';
import { channel } from '../../../workflows/moves/channel';
import { versions } from '../../../workflows/versions/version-manager';
import { sourceChannel } from '../../support/wire';
import { FleetModel, builds, fleetEncoder } from './fleet-model';
import { EncoderModel, OriginModel, RelayModel, refusedAnswer } from './media-model';
import { NetworkModel, grpcDeadline, type Fault, type Part } from './network-model';
import { TemporalServer, temporalClient } from './temporal-client-model';
import type { Attempt, WorkflowRun } from './temporal-context';
import { TemporalModel } from './temporal-model';
import { VirtualClock } from './virtual-clock';

export const CELL = 'model';
/** Seldom, so that what a saga leaves behind is seen before a control cycle tidies it up. */
const CYCLE_SECONDS = 20;
/** GOPs that were on air before anything happened. */
const GOPS_BEFORE = 20;
/** As the fleet's client has it (src/fleet/provider.ts). */
const SET_BUILD_DEADLINE_MS = 75_000;

/** A part of the protocol taken away, to see that its loss is noticed. */
export interface Sabotage {
  /** The origin takes a GOP from anybody; or from anybody who knows who the owner is. */
  noFence?: boolean;
  noSecrets?: boolean;
  /** A session that is told to end goes on. */
  noRelease?: boolean;
  /** A recovery or handoff is never asked for twice: what fails stays as it is. */
  noSecondChance?: boolean;
  /** Cordons are never lifted. */
  noUncordon?: boolean;
  /** Hosts that have left a build don't take it again. */
  noWayBack?: boolean;
  /** A drain says that all has left, and moves nothing. */
  noDrain?: boolean;
  /** The canary takes any channel. */
  openCanary?: boolean;
}

/** Moves: the sagas that change a channel's owner. */
export const isMove = (workflowId: string): boolean => /^(handoff|recovery)\//.test(workflowId);
/** Workflows that bring a build to encoders. */
export const isRollout = (workflowId: string): boolean =>
  /^(rollout|upgrade|drain|synchronise)\//.test(workflowId);

export interface WorldOptions {
  channels?: number;
  encoders?: number;
  faults?: readonly Fault[];
  sabotage?: Sabotage;
  /** With a version manager, and the builds of fleet-model.ts; all encoders run the older one, which is the target. */
  withBuilds?: boolean;
  /** Whose calls are numbered and faulted; default: those of moves. */
  isSaga?: (workflowId: string) => boolean;
}

interface Answer {
  ok: boolean;
  status: number;
  text: () => Promise<string>;
}

/** One function for all worlds, for the reason given in virtual-clock.ts. */
let fetched: (url: string, init: RequestInit) => Promise<unknown>;
const virtualFetch = ((url: string, init: RequestInit) => fetched(url, init)) as typeof fetch;

/**
 * Channels on encoders with relay and origin, all models, under the real swarm and channel workflows and the real
 * activities. Channel n has been on air on encoder n for a while when a world begins.
 */
export class World {
  readonly specs: ChannelSpec[];
  readonly relay: RelayModel;
  readonly origin: OriginModel;
  readonly encoders: EncoderModel[];
  /** Channels whose pictures the source sends. */
  readonly sources = new Set<string>();
  readonly network: NetworkModel;
  readonly temporal: TemporalModel;
  readonly temporalServer = new TemporalServer();
  readonly fleet: FleetModel;
  /** What went wrong on the way, one sentence each. */
  readonly incidents: string[] = [];
  private readonly sabotage: Sabotage;
  private readonly withBuilds: boolean;
  private readonly comparedOnce = new Set<string>();

  private constructor(
    readonly clock: VirtualClock,
    {
      channels = 1,
      encoders = 3,
      faults = [],
      sabotage = {},
      withBuilds = false,
      isSaga = isMove,
    }: WorldOptions,
  ) {
    this.sabotage = sabotage;
    this.withBuilds = withBuilds;
    this.specs = Array.from({ length: channels }, (_, i) => channelWithDefaults(`ch-${i + 1}`));
    this.relay = new RelayModel(clock, clock.nowMs - GOPS_BEFORE * 2_000);
    this.origin = new OriginModel(clock, { isFenced: !sabotage.noFence, hasSecrets: !sabotage.noSecrets });
    this.encoders = ['a', 'b', 'a']
      .slice(0, encoders)
      .map((zone, i) => new EncoderModel(clock, encoderInfo(`enc-${i + 1}`, zone), this.relay, this.origin));
    if (withBuilds) for (const encoder of this.encoders) encoder.build = builds.older;
    this.fleet = new FleetModel(
      this.encoders,
      (encoder) => this.beforeChange(encoder),
      ({ buildId }) => sabotage.noWayBack === true && buildId === builds.older.buildId,
    );
    const isStep = (attempt: Attempt, what: string): boolean =>
      isSaga(attempt.workflowId) && this.isFirstComparison(attempt, what);
    this.network = new NetworkModel(clock, () => this.temporal, isStep, faults);
    this.temporal = new TemporalModel(clock, () => this.createActivities());
  }

  /** Begins a world in virtual time, lets `happen` happen in it, and puts real time back. */
  static async run<T>(options: WorldOptions, happen: (world: World) => Promise<T>): Promise<T> {
    const clock = new VirtualClock();
    const uninstall = clock.install();
    const { fetch } = globalThis;
    try {
      return await happen(await World.begin(clock, options));
    } finally {
      globalThis.fetch = fetch;
      uninstall();
    }
  }

  private static async begin(clock: VirtualClock, options: WorldOptions): Promise<World> {
    const world = new World(clock, options);
    fetched = (url, init) => world.fetch(url, init);
    globalThis.fetch = virtualFetch;
    const encoders = world.encoders.length;
    const policy = policySchema.parse({
      minEncoders: options.withBuilds ? encoders : 1,
      maxEncoders: encoders,
    });
    if (options.withBuilds) {
      const carried = { ...emptyVersions(CELL), builds: catalogue, targetBuildId: builds.older.buildId };
      world.temporal.start(versions, versionsWorkflowId(CELL), [{ cell: CELL, carried }]);
    }
    world.specs.forEach((spec, i) => {
      world.putOnAir(spec, world.encoders[i % world.encoders.length] as EncoderModel);
      world.temporal.start(channel, channelWorkflowId(spec.id), [
        { cell: CELL, spec, context: { policy, cordons: {} }, carried: world.stateOnAir(spec) },
      ]);
    });
    const carried = {
      cell: CELL,
      cycle: 0,
      policy,
      channels: [...world.specs],
      cordons: {},
      lowDemandSinceMs: null,
      lastCycle: null,
    };
    world.temporal.start(swarm, swarmWorkflowId(CELL), [
      { cell: CELL, cycleSeconds: CYCLE_SECONDS, policy, carried },
    ]);
    await clock.runUntil(clock.nowMs + 4_500);
    return world;
  }

  /** Moves of channels. */
  get sagas(): WorkflowRun[] {
    return [...this.temporal.runs.values()].filter((run) => isMove(run.workflowId));
  }

  /** Runs of moves, rollouts and changes of build that are over, also those that later ones have followed. */
  get ended(): WorkflowRun[] {
    return this.temporal.everyRun.filter(
      ({ workflowId, status }) => status !== 'running' && (isMove(workflowId) || isRollout(workflowId)),
    );
  }

  /** The latest rollout and what it says of itself; undefined before the first. */
  get rollout(): { run: WorkflowRun; state: RolloutState } | undefined {
    const run = this.temporal.runs.get(rolloutWorkflowId(CELL));
    return run && { run, state: run.handlers.get('state')?.run() as RolloutState };
  }

  get cordons(): SwarmWorkflowState['cordons'] {
    return (this.temporal.query(swarmWorkflowId(CELL), swarmControl.state) as SwarmWorkflowState).cordons;
  }

  get versions(): VersionsState {
    return this.temporal.query(versionsWorkflowId(CELL), versionsControl.state) as VersionsState;
  }

  /**
   * All comparisons of a rollout make the same reads, at moments that differ in nothing but the evidence so far: the
   * first of each read stands for all.
   */
  private isFirstComparison({ activity }: Attempt, what: string): boolean {
    if (activity !== 'compareBuilds') return true;
    if (this.comparedOnce.has(what)) return false;
    this.comparedOnce.add(what);
    return true;
  }

  /** A host is only ended once its work has left. */
  private beforeChange(encoder: EncoderModel): void {
    for (const { id, state } of this.origin.channels.values()) {
      if (state.owner?.encoderId !== encoder.info.id || !encoder.isUp) continue;
      if (!encoder.sessions.has(state.owner.sessionId)) continue;
      this.incidents.push(`${encoder.info.id} was restarted with ${id} on it`);
    }
  }

  /** What the workflow of a channel takes for true; undefined once it has ended. */
  stateOf(channelId: string): ChannelWorkflowState | undefined {
    const run = this.temporal.runs.get(channelWorkflowId(channelId));
    if (run?.status !== 'running') return undefined;
    return run.handlers.get(channelControl.state)?.run() as ChannelWorkflowState;
  }

  encoder(id: string): EncoderModel {
    return this.encoders.find((e) => e.info.id === id) as EncoderModel;
  }

  private putOnAir(spec: ChannelSpec, encoder: EncoderModel): void {
    const { origin, relay } = this;
    const fromGop = relay.lastSealed;
    const sessionId = `${spec.id}-0-1-begin`;
    relay.channelIds.add(spec.id);
    this.sources.add(spec.id);
    const owner = { encoderId: encoder.info.id, sessionId };
    const { secretSha256 } = encoder.prepare({
      sessionId,
      channelId: spec.id,
      feedUrl: 'http://relay/feed',
      originUrl: 'http://origin',
      gopDurationTicks: spec.gopDurationTicks,
      framesPerSecond: spec.framesPerSecond,
      renditions: spec.ladder.slice(0, 1),
      fromGop,
    });
    const request = { requestId: 'begin', expectToken: 0, owner, fromGop, ownerSecretSha256: secretSha256 };
    const { token } = origin.register(spec.id).own(request);
    encoder.commit(sessionId, token, fromGop);
  }

  private stateOnAir(spec: ChannelSpec): ChannelWorkflowState {
    const { token, owner } = this.origin.channel(spec.id).state;
    return {
      spec,
      status: 'on-air',
      ownerEncoderId: owner?.encoderId ?? null,
      ownerSessionId: owner?.sessionId ?? null,
      token,
      rungs: 1,
      moves: 0,
      movedAtMs: null,
      lastMove: null,
      detail: '',
    };
  }

  private createActivities(): Record<string, (...args: never[]) => Promise<unknown>> {
    const { clock, network, temporalServer: server } = this;
    const temporal = (): TemporalModel => this.temporal;
    const client = temporalClient({ clock, network, temporal, server, isMove });
    const origin = new OriginClient('http://origin');
    const relay = new RelayClient('http://relay');
    const source = new SourceClient('http://source');
    const views = createSharedViews({
      cell: CELL,
      stepSeconds: 5,
      clients: {
        ...{ origin, relay, source },
        fleet: { list: async () => this.encoders.map((e) => fleetEncoder(e)) },
        encoderAt: (address) => this.encoderCalls(this.encoder(address)),
        storage: async () => [],
      },
      store: quietStore,
      temporal: () => client,
      ...(!this.withBuilds && { versions: noVersions }),
    });
    const dependencies: Dependencies = {
      ...views,
      ...{ origin, relay, source },
      cell: CELL,
      stepSeconds: 5,
      fleet: this.fleetCalls(),
      store: quietStore,
      forecastInputs: new ForecastInputReader(CELL, quietStore),
      ...elsewhere,
      temporal: () => client,
    };
    return this.sabotaged(withFailures(createActivities(dependencies)));
  }

  private sabotaged<A extends ReturnType<typeof createActivities>>(activities: A): A {
    const { noSecondChance, noUncordon, noDrain, openCanary } = this.sabotage;
    type Cordon = Parameters<A['requestCordon']>[0];
    return {
      ...activities,
      ...(noSecondChance && {
        planCycle: async (request: Parameters<A['planCycle']>[0]) => ({
          ...(await activities.planCycle(request)),
          ...{ lost: [], orphans: [] },
        }),
      }),
      ...(noUncordon && { requestUncordon: async () => undefined }),
      ...(noDrain && { channelsOn: async () => [] }),
      ...(openCanary && {
        requestCordon: async (request: Cordon) =>
          request.exceptChannels ? activities.requestUncordon(request) : activities.requestCordon(request),
      }),
    };
  }

  private fleetCalls(): Dependencies['fleet'] {
    const { network, clock, fleet } = this;
    return {
      canProvision: false,
      list: async () => this.encoders.map(fleetEncoder),
      setBuild: (encoderId: string, build: InstalledBuild, requestId: string) =>
        network.call({
          to: fleet,
          what: `setBuild ${encoderId}`,
          isRead: false,
          run: () => fleet.setBuild(encoderId, build, requestId),
          deadline: async () => {
            await clock.after(SET_BUILD_DEADLINE_MS);
            throw new SwarmError('timeout', 'The fleet agent did not answer.');
          },
          unreachable: () => new SwarmError('unavailable', 'The fleet agent is away.'),
        }),
    } as unknown as Dependencies['fleet'];
  }

  private encoderCalls(encoder: EncoderModel) {
    const { network, clock } = this;
    const call = <T>(
      what: string,
      isRead: boolean,
      run: () => T | Promise<T>,
      { deadlineMs = 5_000, signal }: { deadlineMs?: number; signal?: AbortSignal } = {},
    ): Promise<T> =>
      network.call({
        to: encoder,
        what,
        run,
        isRead,
        deadline: grpcDeadline(clock, encoder.name, deadlineMs, signal),
        unreachable: () => new SwarmError('encoder-unreachable', `${encoder.name} is down.`),
      });
    type Options = { deadlineMs?: number; signal?: AbortSignal } | undefined;
    return {
      describe: (options: Options) => call('describe', true, () => encoder.info, options),
      telemetry: (options: Options) => call('telemetry', true, () => encoder.telemetry(), options),
      prepare: (order: PrepareSession, options: Options) =>
        call('prepare', false, () => encoder.prepare(order), options),
      session: (id: string, options: Options) =>
        call(`session ${id}`, true, () => encoder.session(id), options),
      awaitReady: (id: string, waitMs: number, options: Options) =>
        call(`awaitReady ${id}`, true, () => encoder.awaitReady(id, waitMs), options),
      commit: (id: string, token: number, firstGop: number, options: Options) =>
        call('commit', false, () => encoder.commit(id, token, firstGop), options),
      release: (id: string, options: Options) =>
        call('release', false, () => encoder.release(id, this.sabotage.noRelease), options),
    };
  }

  private async fetch(url: string, init: RequestInit): Promise<Answer> {
    const { hostname, pathname, searchParams } = new URL(url);
    const { origin, relay } = this;
    const method = init.method ?? 'GET';
    const to: Part = hostname === 'origin' ? origin : relay;
    const run = async (): Promise<{ status: number; body: unknown }> => {
      try {
        return { status: 200, body: await this.handle(hostname, method, pathname, searchParams, init) };
      } catch (error) {
        return refusedAnswer(error);
      }
    };
    const signal = init.signal as AbortSignal;
    const { status, body } = await this.network.call({
      to: hostname === 'source' ? { name: 'source', isUp: true, crash: () => undefined } : to,
      what: `${method} ${pathname}`,
      run,
      isRead: method === 'GET',
      deadline: () =>
        new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
      unreachable: () => new TypeError('fetch failed'),
    });
    return { ok: status < 300, status, text: async () => (body === undefined ? '' : JSON.stringify(body)) };
  }

  private async handle(
    host: string,
    method: string,
    path: string,
    query: URLSearchParams,
    init: RequestInit,
  ): Promise<unknown> {
    const { origin, relay, sources } = this;
    const [, , id = '', what, gop] = path.split('/');
    const at = { source: sources, relay: relay.channelIds }[host];
    if (at) {
      const describe = (channelId: string): object =>
        host === 'source' ? sourceChannel({ id: channelId }) : relay.channel(channelId);
      if (id === '') return [...at].map(describe);
      if (method === 'DELETE') return void at.delete(id);
      if (method === 'PUT') at.add(id);
      if (at.has(id) && what === 'ledger') return relay.sealed(Number(gop));
      if (at.has(id)) return describe(id);
      throw new SwarmError('unknown-channel', `The ${host} does not know ${id}.`);
    }
    if (id === '') return [...origin.channels.values()].map((c) => c.description);
    if (method === 'PUT') return origin.register(id).description;
    if (method === 'DELETE') return origin.remove(id);
    if (what === 'ledger')
      return origin.channel(id).ledger(Number(query.get('from')), Number(query.get('to')));
    if (what === 'own') return origin.channel(id).own(JSON.parse(init.body as string) as OwnRequest);
    if (what === 'wait') {
      return origin.channel(id).wait(Number(query.get('gop')), Number(query.get('timeout_ms')));
    }
    return origin.channel(id).description;
  }
}

const encoderInfo = (id: string, zone: string): EncoderInfo => ({
  id,
  grpcAddress: id,
  region: 'eu',
  zone,
  version: '1',
  ffmpegVersion: '5.1',
  capacityUnits: 6,
  maxSessions: 8,
});

/** What moves and rollouts have nothing to do with. */
const elsewhere = {
  ffmpegPath: 'ffmpeg',
  clipsServedFrom: { listenOn: '127.0.0.1', reachableAs: '127.0.0.1' },
  models: { member: () => null, refresh: async () => undefined },
} as unknown as Pick<Dependencies, 'ffmpegPath' | 'clipsServedFrom' | 'models'>;

const noVersions: Dependencies['versions'] = {
  read: async () => ({ ...emptyVersions(CELL), isRolloutRunning: false }),
};

/** All of one class: any may take over from any other without a seam. */
const catalogue = Object.values(builds).map(({ buildId, executablePath, digest }): EncoderBuild => ({
  id: buildId,
  digest,
  source: { kind: 'path', path: executablePath },
  executablePath,
  ffmpegVersion: buildId,
  capabilities: [],
  compatibilityClass: 'one',
  probedAtMs: 0,
}));

/** A database that takes everything and knows nothing: decisions then rest on what is seen. */
const quietStore = {
  write: async () => undefined,
  latestAudience: async () => ({}),
  latestForecast: async () => null,
  recent: async () => [],
  planning: { put: async () => undefined },
} as unknown as TelemetryStore;
