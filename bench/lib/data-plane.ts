import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { playerUrl, readEnvironment, type Environment } from '../../src/config/config';
import { originUrlsOf } from '../../src/config/shared-origins';
import { callJson } from '../../src/contracts/call';
import { EncoderClient } from '../../src/contracts/encoder/client';
import { sessionOrder } from '../../src/contracts/encoder/requests';
import { mediaHealthSchema } from '../../src/contracts/health';
import { OriginClient, masterPlaylistUrl, type OriginChannel } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import { SourceClient } from '../../src/contracts/source';
import {
  SwarmError,
  channelWithDefaults,
  type ChannelInput,
  type ChannelSpec,
  type Owner,
} from '../../src/domain';
import { entryOf } from '../../src/launch/part-list';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { linkScheme } from '../../src/platform/links/link-tls';
import { partAuthorization } from '../../src/platform/own-identity';
import { PartProcess } from '../../src/platform/processes/part-process';
import { readProcessStat } from '../../src/platform/processes/process-stat';
import { awaitGrpcServing, awaitHttpOk } from '../../src/platform/processes/readiness';
import { verifierFfmpegPaths, verifyPlaylists, type VerifyReport } from '../../src/verify';

const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 2_500;
/** A part that was killed comes back like under a supervisor, without its growing pauses. */
const RESTART_DELAY_MS = 300;

export type DataPlanePart = 'relay' | 'relay-2' | 'origin' | 'source' | `enc-${number}`;

export interface DataPlaneOptions {
  stateDir: string;
  /** First of 20 ports. */
  portBase: number;
  encoders: number;
  /** Relays that are sent the same, `relay` and `relay-2`; default 1. */
  relays?: 1 | 2;
  capacityUnits?: number;
  /** Arguments for node that run a part's main; by default the compiled one. */
  nodeArgs?: (part: string) => string[];
  /** More variables for all parts, and for one part alone. */
  variables?: NodeJS.ProcessEnv;
  variablesOf?: Partial<Record<DataPlanePart, NodeJS.ProcessEnv>>;
}

/** A channel with one rung, as it is cheap: GOPs of 1 s. */
export const cheapChannel = (id: string, input: ChannelInput = { kind: 'generated' }): ChannelSpec => {
  const spec = channelWithDefaults(id, input);
  return {
    ...spec,
    gopDurationTicks: spec.gopDurationTicks / 2,
    ladder: spec.ladder.slice(0, 1),
    viewersPerRung: [],
  };
};

const originCall = { timeoutMs: 10_000 };

/**
 * Source, relay, encoder hosts and origin as supervised processes, without any orchestrator: channels are put on
 * air by the calls that workflows make. What must hold without Temporal and InfluxDB is tried on this.
 */
export class DataPlane {
  readonly environment: Environment;
  private readonly parts = new Map<DataPlanePart, PartProcess>();
  private readonly clients = new Map<string, EncoderClient>();
  /** By session. */
  private readonly secretDigests = new Map<string, string>();

  private constructor(
    private readonly options: DataPlaneOptions,
    private readonly variables: NodeJS.ProcessEnv,
  ) {
    this.environment = readEnvironment(variables);
  }

  static async start(options: DataPlaneOptions): Promise<DataPlane> {
    const url = (port: number): string => `${linkScheme()}://127.0.0.1:${port}`;
    const plane = new DataPlane(options, {
      // Inputs are made by the one who measures.
      ...{ SWARM_INPUT_DIR: '/', SWARM_INPUT_NETWORKS: '0.0.0.0/0,::/0' },
      ...process.env,
      SWARM_HOST: '127.0.0.1',
      SWARM_STATE_DIR: options.stateDir,
      SWARM_RELAY_PORT: String(options.portBase),
      SWARM_ORIGIN_PORT: String(options.portBase + 1),
      SWARM_SOURCE_PORT: String(options.portBase + 2),
      SWARM_PLAYER_PORT: String(options.portBase + 3),
      SWARM_RELAY_URL: url(options.portBase),
      SWARM_ORIGIN_URL: url(options.portBase + 1),
      SWARM_SOURCE_URL: url(options.portBase + 2),
      SWARM_PLAYER_URL: url(options.portBase + 3),
      ...(options.relays === 2 && {
        SWARM_RELAY_PEERS: `relay=${url(options.portBase)},relay-2=${url(options.portBase + 4)}`,
      }),
      ...options.variables,
    });
    await mkdir(join(options.stateDir, 'logs'), { recursive: true });
    const { SWARM_RELAY_URL, SWARM_ORIGIN_URL, SWARM_SOURCE_URL } = plane.environment;
    try {
      await Promise.all([
        plane.startPart('relay', 'media/relay', (signal) =>
          awaitHttpOk(`${SWARM_RELAY_URL}/healthz`, signal),
        ),
        ...(options.relays === 2 ? [plane.startSecondRelay()] : []),
        plane.startPart('origin', 'media/origin', (signal) =>
          awaitHttpOk(`${SWARM_ORIGIN_URL}/healthz`, signal),
        ),
        plane.startPart('source', 'media/source', (signal) =>
          awaitHttpOk(`${SWARM_SOURCE_URL}/healthz`, signal),
        ),
        ...Array.from({ length: options.encoders }, (_, i) => plane.startEncoder(i + 1)),
      ]);
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  /** Where players reach the origin. */
  get playerUrl(): string {
    return playerUrl(this.environment);
  }

  get relayUrl(): string {
    return this.environment.SWARM_RELAY_URL;
  }

  get originUrl(): string {
    return this.environment.SWARM_ORIGIN_URL;
  }

  encoder(id: string): EncoderClient {
    const client = this.clients.get(id);
    if (!client) throw new Error(`no encoder ${id}`);
    return client;
  }

  pid(part: DataPlanePart): number {
    const pid = this.parts.get(part)?.pid;
    if (!pid) throw new Error(`${part} does not run`);
    return pid;
  }

  /** Ends a part with SIGKILL; its supervisor starts it again. Resolves once it works again. */
  async kill(part: DataPlanePart): Promise<void> {
    const process_ = this.parts.get(part)!;
    const { restarts } = process_;
    process.kill(this.pid(part), 'SIGKILL');
    while (process_.restarts === restarts || process_.state !== 'running') await sleep(20);
  }

  /** CPU seconds that a part has used, without its ffmpegs. */
  async cpuSeconds(part: DataPlanePart): Promise<number> {
    const stat = await readProcessStat(this.pid(part));
    if (!stat) throw new Error(`${part} is gone`);
    return stat.cpuSeconds;
  }

  /** The same of the process that answers players for the origin; 0 while none runs. */
  async cpuSecondsOfPlayers(): Promise<number> {
    const options = { part: 'origin', timeoutMs: 10_000 };
    const { players } = await callJson(`${this.originUrl}/healthz`, mediaHealthSchema, options);
    const stat = players?.pid ? await readProcessStat(players.pid) : null;
    return stat?.cpuSeconds ?? 0;
  }

  /** Resident memory of a part. */
  async memoryMiB(part: DataPlanePart): Promise<number> {
    const status = await readFile(`/proc/${this.pid(part)}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  /** Puts a channel on air on an encoder: source, origin, session, ownership, commit. */
  async putOnAir(spec: ChannelSpec, encoderId: string): Promise<Owner> {
    await new SourceClient(this.environment.SWARM_SOURCE_URL).register(spec, { timeoutMs: 30_000 });
    await this.origin.register(spec, originCall);
    return this.takeOver(spec, encoderId);
  }

  /** Gives a channel to a new session of an encoder, from its first missing GOP on. */
  async takeOver(spec: ChannelSpec, encoderId: string): Promise<Owner> {
    const channel = await this.channel(spec.id);
    const owner = await this.prepare(spec, encoderId, channel);
    await this.own(spec.id, owner, channel);
    return owner;
  }

  /** Starts a session of a channel on an encoder, with a GOP to warm up before the first missing one. */
  async prepare(spec: ChannelSpec, encoderId: string, { nextGop }: OriginChannel): Promise<Owner> {
    const { id } = spec;
    const owner = { encoderId, sessionId: `${id}/${randomUUID()}` };
    const place = { feedUrl: new RelayClient(this.relayUrl).feedUrl(id), originUrl: this.originUrl };
    const { sessionId } = owner;
    const { secretSha256 } = await this.encoder(encoderId).prepare(
      sessionOrder(spec, { ...place, sessionId, fromGop: Math.max(0, nextGop - 1) }),
    );
    if (secretSha256 !== undefined) this.secretDigests.set(sessionId, secretSha256);
    return owner;
  }

  /** Makes a session the owner of its channel, and commits it. @returns its first GOP */
  async own(channelId: string, owner: Owner, { token, nextGop }: OriginChannel): Promise<number> {
    const ownerSecretSha256 = this.secretDigests.get(owner.sessionId);
    const answer = await this.origin.own(
      {
        ...{ channelId, requestId: randomUUID(), expectToken: token, owner, fromGop: nextGop },
        ...(ownerSecretSha256 !== undefined && { ownerSecretSha256 }),
      },
      originCall,
    );
    await this.encoder(owner.encoderId).commit(owner.sessionId, answer.token, answer.firstGop);
    return answer.firstGop;
  }

  /** Grants the owner of a channel its channel anew: a change of owner in all but name. */
  async ownAgain(channelId: string): Promise<void> {
    const channel = await this.channel(channelId);
    if (!channel.owner) throw new SwarmError('conflict', `Nobody owns ${channelId}.`);
    await this.own(channelId, channel.owner, channel);
  }

  channel(id: string): Promise<OriginChannel> {
    return this.origin.channel(id, originCall);
  }

  channels(): Promise<OriginChannel[]> {
    return this.origin.channels(originCall);
  }

  /** Waits until a GOP is published; keeps asking while the origin is away. */
  async published(id: string, gop: number, limitMs = 60_000): Promise<void> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const nextGop = await this.channel(id).then(
        (channel) => channel.nextGop,
        () => 0,
      );
      if (nextGop > gop) return;
      if (Date.now() > deadline)
        throw new Error(`GOP ${gop} of ${id} was not published within ${limitMs} ms`);
      await sleep(100);
    }
  }

  /** Decodes all that the origin retains of channels, with two builds of ffmpeg, and checks every frame. */
  async verify(channelIds: readonly string[], unstampedChannels: string[] = []): Promise<VerifyReport> {
    return verifyPlaylists({
      playlists: channelIds.map((id) => masterPlaylistUrl(this.playerUrl, id)),
      key: await loadOrCreateStampKey(this.options.stateDir),
      ffmpegPaths: await verifierFfmpegPaths(this.environment),
      windowSeconds: 3_600,
      fromGop: Object.fromEntries(channelIds.map((id) => [id, 0])),
      unstampedChannels,
    });
  }

  async stop(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    await this.parts.get('source')?.stop();
    await Promise.all([...this.parts.values()].map((part) => part.stop()));
  }

  private get origin(): OriginClient {
    return new OriginClient(originUrlsOf(this.environment));
  }

  private startSecondRelay(): Promise<void> {
    const port = this.options.portBase + 4;
    return this.startPart(
      'relay-2',
      'media/relay',
      (signal) => awaitHttpOk(`${linkScheme()}://127.0.0.1:${port}/healthz`, signal),
      { SWARM_STATE_DIR: join(this.options.stateDir, 'relay-2'), SWARM_RELAY_PORT: String(port) },
    );
  }

  private startEncoder(n: number): Promise<void> {
    const id = `enc-${n}` as const;
    const address = `127.0.0.1:${this.options.portBase + 5 + n}`;
    this.clients.set(id, new EncoderClient(address));
    return this.startPart(
      id,
      'media/encoder',
      (signal) => awaitGrpcServing(address, '', signal, partAuthorization()),
      {
        ENCODER_ID: id,
        ENCODER_PORT: address.split(':')[1],
        ENCODER_CAPACITY_UNITS: String(this.options.capacityUnits ?? 6),
      },
    );
  }

  private startPart(
    name: DataPlanePart,
    program: string,
    awaitReady: (signal: AbortSignal) => Promise<void>,
    own: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const { nodeArgs = (part: string) => [entryOf(part)], stateDir, variablesOf } = this.options;
    const part = new PartProcess({
      name,
      command: process.execPath,
      args: nodeArgs(program),
      env: { ...this.variables, ...own, ...variablesOf?.[name] },
      logFile: join(stateDir, 'logs', `${name}.log`),
      awaitReady,
      readyLimitMs: READY_LIMIT_MS,
      stopLimitMs: STOP_LIMIT_MS,
      restartDelayMs: () => RESTART_DELAY_MS,
      onEvent: () => undefined,
      onSpawned: () => undefined,
      onEnded: () => undefined,
    });
    this.parts.set(name, part);
    return part.start();
  }
}
