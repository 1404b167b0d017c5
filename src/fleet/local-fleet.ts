import { join } from 'node:path';
import { SwarmError } from '../domain';
import { PartProcess, type PartEvent } from '../start/part-process';
import type { FleetEncoder } from './provider';

/** Pause before an encoder that died by itself is started again; part of the contract. */
const RESTART_DELAY_MS = 3_000;

export interface LocalFleetOptions {
  host: string;
  /** Encoder hosts listen on this port and the following ones. */
  portBase: number;
  region: string;
  zones: readonly string[];
  capacityUnits: number;
  maxSessions: number;
  maxEncoders: number;
  /** Program and arguments of an encoder host; it reads ENCODER_* from its environment. */
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  logsDir: string;
  /** Resolves once the encoder host at this address serves. */
  awaitServing: (address: string, signal: AbortSignal) => Promise<void>;
  onEvent: (event: PartEvent) => void;
  onSpawned: (name: string, pid: number) => void;
  onEnded: (name: string) => void;
}

interface Member {
  id: string;
  zone: string;
  port: number;
  process: PartProcess;
  started: Promise<void>;
  /** Being ended: no longer listed, but its port is still in use. */
  leaving: boolean;
}

/** The encoder hosts that run as processes of this machine. */
export class LocalFleet {
  private readonly members = new Map<string, Member>();
  private readonly byRequest = new Map<string, string>();
  private highestNumber = 0;
  private stopped = false;

  constructor(private readonly o: LocalFleetOptions) {}

  list(): FleetEncoder[] {
    return [...this.members.values()].filter((m) => !m.leaving).map((member) => this.describe(member));
  }

  /** Starts an encoder under a given id, and waits until it serves. */
  async start(id: string, zone: string): Promise<FleetEncoder> {
    const member = this.add(id, zone);
    await member.started;
    return this.describe(member);
  }

  /**
   * Starts one more encoder, in the zone with the fewest unless told otherwise.
   * @throws SwarmError at-capacity-limit; bad-request for a zone that the fleet does not have
   */
  async provision(requestId: string, zone?: string): Promise<FleetEncoder> {
    const known = this.members.get(this.byRequest.get(requestId) ?? '');
    if (known) {
      await known.started;
      return this.describe(known);
    }
    if (zone !== undefined && !this.o.zones.includes(zone)) {
      throw new SwarmError(
        'bad-request',
        `The fleet has no zone ${zone}.`,
        `Use ${this.o.zones.join(' or ')}.`,
      );
    }
    if (this.members.size >= this.o.maxEncoders) {
      throw new SwarmError(
        'at-capacity-limit',
        `The fleet of this machine is at its limit of ${this.o.maxEncoders} encoders.`,
        'Let an encoder go first.',
      );
    }
    const id = `enc-${this.highestNumber + 1}`;
    const member = this.add(id, zone ?? this.emptiestZone());
    this.byRequest.set(requestId, id);
    await member.started;
    return this.describe(member);
  }

  /** Ends an encoder: SIGTERM, then SIGKILL. Unknown: nothing to do. */
  async deprovision(id: string): Promise<void> {
    const member = this.members.get(id);
    if (!member) return;
    member.leaving = true;
    await member.process.stop();
    this.members.delete(id);
  }

  async stopAll(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.members.values()].map((member) => member.process.stop()));
  }

  killAllNow(): void {
    this.stopped = true;
    for (const { process } of this.members.values()) process.killNow();
  }

  private add(id: string, zone: string): Member {
    if (this.stopped) throw new SwarmError('unavailable', 'The fleet of this machine is stopping.');
    const port = this.freePort();
    const process = new PartProcess({
      name: id,
      command: this.o.command,
      args: this.o.args,
      env: {
        ...this.o.env,
        ENCODER_ID: id,
        ENCODER_PORT: String(port),
        ENCODER_REGION: this.o.region,
        ENCODER_ZONE: zone,
        ENCODER_CAPACITY_UNITS: String(this.o.capacityUnits),
        ENCODER_MAX_SESSIONS: String(this.o.maxSessions),
      },
      logFile: join(this.o.logsDir, `${id}.log`),
      awaitReady: (signal) => this.o.awaitServing(`${this.o.host}:${port}`, signal),
      readyLimitMs: 30_000,
      stopLimitMs: 2_500,
      restartDelayMs: () => RESTART_DELAY_MS,
      onEvent: this.o.onEvent,
      onSpawned: this.o.onSpawned,
      onEnded: this.o.onEnded,
    });
    const number = Number(/^enc-(\d+)$/.exec(id)?.[1] ?? 0);
    this.highestNumber = Math.max(this.highestNumber, number);
    const started = process.start().catch((error: unknown) => {
      this.members.delete(id);
      throw error;
    });
    const member: Member = { id, zone, port, process, started, leaving: false };
    this.members.set(id, member);
    return member;
  }

  private freePort(): number {
    const used = new Set([...this.members.values()].map((member) => member.port));
    let port = this.o.portBase;
    while (used.has(port)) port += 1;
    return port;
  }

  private emptiestZone(): string {
    const count = (zone: string): number =>
      [...this.members.values()].filter((member) => member.zone === zone).length;
    return [...this.o.zones].sort((a, b) => count(a) - count(b))[0] ?? '';
  }

  private describe({ id, zone, port, process }: Member): FleetEncoder {
    return {
      id,
      grpcAddress: `${this.o.host}:${port}`,
      region: this.o.region,
      zone,
      pid: process.pid,
      state: process.state,
      restarts: process.restarts,
      startedAtMs: process.startedAtMs,
    };
  }
}
