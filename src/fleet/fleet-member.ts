import { hostname } from 'node:os';
import { join } from 'node:path';
import type { FleetEncoder } from '../contracts/fleet';
import { SwarmError, type InstalledBuild } from '../domain';
import { connectableHost, hostAndPort } from '../platform/addresses';
import { sha256OfFile } from '../platform/file-digest';
import { PartProcess, type PartEvent, type PartRig } from '../platform/processes/part-process';
import { SerialQueue } from '../platform/serial-queue';
import { findExecutable } from '../setup';
import { verifyInstalled } from './installed-build';

/** Pause before an encoder that died by itself is started again; part of the contract. */
const RESTART_DELAY_MS = 3_000;

/** How encoder hosts are run as processes of this machine. */
export interface HostOptions {
  host: string;
  region: string;
  /** Encode units, or the cores that each host has for itself, from which it measures them. */
  capacityUnits: number | { cores: number };
  maxSessions: number;
  /** Program and arguments of an encoder host; it reads ENCODER_* and FFMPEG from its environment. */
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  logsDir: string;
  /** Where hosts note which of their sessions publish, a file each; absent: nowhere. */
  sessionsDir?: string;
  /** Size at which the log of a host is put aside; absent: as of any part. */
  logMaxBytes?: number;
  /** Resolves once the encoder host at this address serves. */
  awaitServing: (address: string, signal: AbortSignal) => Promise<void>;
  rig?: PartRig;
  onEvent: (event: PartEvent) => void;
  onSpawned: (name: string, pid: number) => void;
  onEnded: (name: string) => void;
}

/**
 * Where a host of this machine reaches relay, origin and worker, so that it goes by no order's word. The worker serves
 * clips under the address that it listens on, or under the name of the machine.
 */
const placesOf = (
  { SWARM_RELAY_URL, SWARM_ORIGIN_URL }: NodeJS.ProcessEnv,
  host: string,
): NodeJS.ProcessEnv => ({
  ...(SWARM_RELAY_URL && { ENCODER_RELAY_URL: SWARM_RELAY_URL }),
  ...(SWARM_ORIGIN_URL && { ENCODER_ORIGIN_URL: SWARM_ORIGIN_URL }),
  ENCODER_CLIP_HOSTS: [connectableHost(host), hostname()].join(','),
});

/** Where a host notes which of its sessions publish; undefined: nowhere. */
export const sessionsFileOf = ({ sessionsDir }: HostOptions, id: string): string | undefined =>
  sessionsDir && join(sessionsDir, `${id}.json`);

/** One encoder of the local fleet: its id, zone and port stay, its process and build may change. */
export class FleetMember {
  /** Being ended: no longer listed, but its port is still in use. */
  leaving = false;
  private process: PartProcess;
  private isChanging = false;
  /** The last start or change of build, done or under way: one at a time. */
  private readonly changes = new SerialQueue('fleet');

  /** @param build absent: FFMPEG of this machine */
  constructor(
    private readonly options: HostOptions,
    readonly id: string,
    readonly zone: string,
    readonly port: number,
    private build: InstalledBuild | undefined,
  ) {
    this.process = this.processWith(build);
  }

  /** @throws SwarmError unavailable; not-found, conflict for a build that is not here */
  start(options: { verifyBuild: boolean }): Promise<void> {
    return this.changes.run(async () => {
      if (this.build && options.verifyBuild) await verifyInstalled(this.build, this.options.env);
      await this.process.start();
    });
  }

  /** See LocalFleet.setBuild. @param isDone whether the request was carried out before it was its turn */
  changeBuild(build: InstalledBuild, isDone: () => boolean): Promise<void> {
    return this.changes.run(async () => {
      if (isDone()) return;
      await verifyInstalled(build, this.options.env);
      if (this.process.state === 'stopped' || (await this.digestNow()) !== build.digest) {
        this.isChanging = true;
        try {
          await this.restartWith(build);
        } finally {
          this.isChanging = false;
        }
      }
      this.build = build;
    });
  }

  stop(): Promise<void> {
    this.leaving = true;
    return this.process.stop();
  }

  killNow(): void {
    this.leaving = true;
    this.process.killNow();
  }

  describe(): FleetEncoder {
    const { pid, state, restarts, startedAtMs } = this.process;
    return {
      id: this.id,
      grpcAddress:
        this.options.rig?.encoderAddressOf(this.port) ??
        hostAndPort(connectableHost(this.options.host), this.port),
      region: this.options.region,
      zone: this.zone,
      pid,
      // A host that is restarted on purpose still belongs to the fleet.
      state: this.isChanging ? 'restarting' : state,
      restarts,
      startedAtMs,
      ...(this.build && { buildId: this.build.buildId }),
    };
  }

  private async digestNow(): Promise<string | null> {
    if (this.build) return this.build.digest;
    const { env } = this.options;
    const path = await findExecutable(env.FFMPEG || 'ffmpeg', env);
    return path === null ? null : sha256OfFile(path);
  }

  private async restartWith(build: InstalledBuild): Promise<void> {
    try {
      await this.startAnew(build);
    } catch (error) {
      const { message: why } = error as Error;
      await this.startAnew(this.build).catch((again: unknown) => {
        throw new SwarmError(
          'unavailable',
          `${this.id} starts neither with build ${build.buildId} (${why}) nor with the one before (${(again as Error).message}).`,
          `See its log in ${this.options.logsDir}, then set a build that runs here.`,
        );
      });
      throw new SwarmError(
        'encoder-incompatible',
        `${this.id} does not start with build ${build.buildId}: ${why} It runs the build before again.`,
        'Try the build by hand, and add one that runs here.',
      );
    }
  }

  private async startAnew(build: InstalledBuild | undefined): Promise<void> {
    await this.process.stop();
    if (this.leaving) throw new SwarmError('unknown-encoder', `${this.id} is leaving the fleet.`);
    this.process = this.processWith(build);
    await this.process.start();
  }

  private processWith(build: InstalledBuild | undefined): PartProcess {
    const { options, id, port } = this;
    const sessionsFile = sessionsFileOf(options, id);
    return new PartProcess({
      name: id,
      command: options.command,
      args: options.args,
      env: {
        ...placesOf(options.env, options.host),
        ...options.env,
        ...(build && { FFMPEG: build.executablePath }),
        ENCODER_ID: id,
        ENCODER_PORT: String(port),
        ENCODER_REGION: options.region,
        ENCODER_ZONE: this.zone,
        ...(typeof options.capacityUnits === 'number'
          ? { ENCODER_CAPACITY_UNITS: String(options.capacityUnits) }
          : { ENCODER_CORES: String(options.capacityUnits.cores) }),
        ENCODER_MAX_SESSIONS: String(options.maxSessions),
        ...(sessionsFile && { ENCODER_SESSIONS_FILE: sessionsFile }),
        ...options.rig?.variablesOf(id, port),
      },
      logFile: join(options.logsDir, `${id}.log`),
      ...(options.logMaxBytes !== undefined && { logMaxBytes: options.logMaxBytes }),
      awaitReady: (signal) => options.awaitServing(hostAndPort(connectableHost(options.host), port), signal),
      readyLimitMs: 30_000,
      stopLimitMs: 2_500,
      restartDelayMs: () => RESTART_DELAY_MS,
      onEvent: options.onEvent,
      onSpawned: options.onSpawned,
      onEnded: options.onEnded,
    });
  }
}
