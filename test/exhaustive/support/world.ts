import type { Client } from '@temporalio/client';
import { EncoderDirectory, createActivities, type Dependencies } from '../../../activities';
import { withFailures } from '../../../activities/failures';
import {
  SwarmError,
  channelControl,
  channelWithDefaults,
  channelWorkflowId,
  policySchema,
  searchAttributeNames,
  swarmWorkflowId,
  type ChannelSpec,
  type ChannelWorkflowState,
  type EncoderInfo,
} from '../../../src/domain';
import type { FleetEncoder } from '../../../src/fleet/provider';
import type { PrepareSession } from '../../../src/media/encoder/types';
import type { OwnRequest } from '../../../src/media/origin/ownership';
import type { TelemetryStore } from '../../../src/telemetry/store';
import { channel } from '../../../workflows/channel';
import { swarm } from '../../../workflows/swarm';
import { EncoderModel, OriginModel, RelayModel, refusedAnswer } from './media-model';
import { NetworkModel, grpcDeadline, type Fault, type Part } from './network-model';
import { TemporalModel, type WorkflowRun } from './temporal-model';
import type { VirtualClock } from './virtual-clock';

export const CELL = 'model';
/** Seldom, so that what a saga leaves behind is seen before a control cycle tidies it up. */
const CYCLE_SECONDS = 20;
/** GOPs that were on air before anything happened. */
const GOPS_BEFORE = 20;

/** A part of the protocol taken away, to see that its loss is noticed. */
export interface Sabotage {
  /** The origin takes a GOP from anybody. */
  noFence?: boolean;
  /** A session that is told to end goes on. */
  noRelease?: boolean;
  /** A recovery or handoff is never asked for twice: what fails stays as it is. */
  noSecondChance?: boolean;
}

/** Moves: the sagas whose calls are numbered and faulted. */
const isSaga = (workflowId: string): boolean => /^(handoff|recovery)\//.test(workflowId);

interface Answer {
  ok: boolean;
  status: number;
  text: () => Promise<string>;
}

/**
 * One channel on three encoders with relay and origin, all models, under the real swarm and channel workflows and
 * the real activities. The channel has been on air on enc-1 for a while when a world begins.
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

  private constructor(
    readonly clock: VirtualClock,
    channels: number,
    faults: readonly Fault[],
    private readonly sabotage: Sabotage,
  ) {
    this.specs = Array.from({ length: channels }, (_, i) => channelWithDefaults(`ch-${i + 1}`));
    this.relay = new RelayModel(clock, clock.nowMs - GOPS_BEFORE * 2_000);
    this.origin = new OriginModel(clock, { isFenced: !sabotage.noFence });
    this.encoders = ['a', 'b', 'a'].map(
      (zone, i) => new EncoderModel(clock, encoderInfo(`enc-${i + 1}`, zone), this.relay, this.origin),
    );
    this.network = new NetworkModel(clock, () => this.temporal, isSaga, faults);
    this.temporal = new TemporalModel(clock, () => this.createActivities());
  }

  static async begin(
    clock: VirtualClock,
    {
      channels = 1,
      faults = [],
      sabotage = {},
    }: { channels?: number; faults?: readonly Fault[]; sabotage?: Sabotage } = {},
  ): Promise<World> {
    const world = new World(clock, channels, faults, sabotage);
    globalThis.fetch = ((url: string, init: RequestInit) => world.fetch(url, init)) as typeof fetch;
    const policy = policySchema.parse({ minEncoders: 1, maxEncoders: 3 });
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

  get sagas(): WorkflowRun[] {
    return [...this.temporal.runs.values()].filter((run) => isSaga(run.workflowId));
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
    const { token } = origin.register(spec.id).own({ requestId: 'begin', expectToken: 0, owner, fromGop });
    encoder.prepare({
      sessionId,
      channelId: spec.id,
      feedUrl: 'http://relay/feed',
      originUrl: 'http://origin',
      gopDurationTicks: spec.gopDurationTicks,
      framesPerSecond: spec.framesPerSecond,
      renditions: spec.ladder.slice(0, 1),
      fromGop,
    });
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
    const encoders = new EncoderDirectory(
      { list: async () => this.encoders.map((e) => fleetEncoder(e)) },
      (address) => this.encoderCalls(this.encoder(address)),
    );
    const dependencies: Dependencies = {
      cell: CELL,
      relayUrl: 'http://relay',
      originUrl: 'http://origin',
      sourceUrl: 'http://source',
      stepSeconds: 5,
      encoders,
      fleet: { canProvision: false, list: async () => [] } as unknown as Dependencies['fleet'],
      store: quietStore,
      ...elsewhere,
      temporal: () => this.client(),
    };
    const activities = withFailures(createActivities(dependencies));
    if (!this.sabotage.noSecondChance) return activities;
    const nothing = { lost: [], orphans: [] };
    return {
      ...activities,
      observe: async (request: Parameters<typeof activities.observe>[0]) => ({
        ...(await activities.observe(request)),
        ...nothing,
      }),
    };
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
      describe: (o: Options) => call('describe', true, () => encoder.info, o),
      telemetry: (o: Options) => call('telemetry', true, () => encoder.telemetry(), o),
      prepare: (order: PrepareSession, o: Options) => call('prepare', false, () => encoder.prepare(order), o),
      session: (id: string, o: Options) => call(`session ${id}`, true, () => encoder.session(id), o),
      awaitReady: (id: string, waitMs: number, o: Options) =>
        call(`awaitReady ${id}`, true, () => encoder.awaitReady(id, waitMs), o),
      commit: (id: string, token: number, firstGop: number, o: Options) =>
        call('commit', false, () => encoder.commit(id, token, firstGop), o),
      release: (id: string, o: Options) =>
        call('release', false, () => encoder.release(id, this.sabotage.noRelease), o),
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
    const [, , id = '', what] = path.split('/');
    const at = { source: sources, relay: relay.channelIds }[host];
    if (at) {
      const describe = (channelId: string): object =>
        host === 'source' ? { id: channelId, state: 'running' } : relay.channel(channelId);
      if (id === '') return [...at].map(describe);
      if (method === 'DELETE') return void at.delete(id);
      if (method === 'PUT') at.add(id);
      if (at.has(id)) return describe(id);
      throw new SwarmError('unknown-channel', `The ${host} does not know ${id}.`);
    }
    if (id === '') return [...origin.channels.values()].map((c) => c.description);
    if (method === 'PUT') return origin.register(id).description;
    if (method === 'DELETE') return origin.remove(id);
    if (what === 'own') return origin.channel(id).own(JSON.parse(init.body as string) as OwnRequest);
    if (what === 'wait') {
      return origin.channel(id).wait(Number(query.get('gop')), Number(query.get('timeout_ms')));
    }
    return origin.channel(id).description;
  }

  /** As much of Temporal's client as activities use. */
  private client(): Client {
    const { temporal } = this;
    const handle = (workflowId: string) => ({
      startUpdate: async (name: string, { args }: { args: unknown[] }) => {
        temporal.update(workflowId, name, args);
      },
      executeUpdate: (name: string, { args = [] }: { args?: unknown[] } = {}) =>
        temporal.update(workflowId, name, args).result,
    });
    const list = async function* () {
      for (const run of temporal.runs.values()) {
        if (!isSaga(run.workflowId)) continue;
        yield {
          status: { name: run.status === 'running' ? 'RUNNING' : 'COMPLETED' },
          closeTime: run.closedAtMs === null ? undefined : new Date(run.closedAtMs),
          typedSearchAttributes: {
            getAll: () => [
              { key: { name: searchAttributeNames.channel }, value: run.workflowId.split('/')[1] },
            ],
          },
        };
      }
    };
    return {
      withDeadline: <T>(_: number, run: () => Promise<T>) => run(),
      workflow: { getHandle: handle, list },
    } as unknown as Client;
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

const fleetEncoder = ({ info, life }: EncoderModel): FleetEncoder => ({
  id: info.id,
  grpcAddress: info.id,
  region: info.region,
  zone: info.zone,
  pid: 1,
  state: 'running',
  restarts: life - 1,
  startedAtMs: 0,
});

/** What moves have nothing to do with. */
const elsewhere = {
  ffmpegPath: 'ffmpeg',
  clipsServedFrom: { host: '127.0.0.1', publicHost: '127.0.0.1' },
  versions: { read: async () => ({ builds: [], targetBuildId: null, pins: {}, isRolloutRunning: false }) },
  models: { member: () => null, refresh: async () => undefined },
} as unknown as Pick<Dependencies, 'ffmpegPath' | 'clipsServedFrom' | 'versions' | 'models'>;

/** A database that takes everything and knows nothing: decisions then rest on what is seen. */
const quietStore = {
  write: async () => undefined,
  latestAudience: async () => ({}),
  latestForecast: async () => null,
  recent: async () => [],
} as unknown as TelemetryStore;
