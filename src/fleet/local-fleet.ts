import { existsSync } from 'node:fs';
import type { FleetEncoder } from '../contracts/fleet';
import { SwarmError, type InstalledBuild } from '../domain';
import { forgetForGood, keepForResume } from '../platform/resume-file';
import { BuildRecords } from './build-records';
import { trimDepartedLogs } from './departed-logs';
import { FleetMember, sessionsFileOf, type HostOptions } from './fleet-member';
import { MemberRecords, type MemberRecord } from './member-records';

export interface LocalFleetOptions extends HostOptions {
  /** Encoder hosts listen on this port and the following ones. */
  portBase: number;
  zones: readonly string[];
  maxEncoders: number;
  /** Keeps which build each encoder runs. */
  buildsFile: string;
  /** Keeps which encoders were added while the fleet ran. */
  membersFile: string;
}

interface Entry {
  member: FleetMember;
  started: Promise<void>;
}

/** The encoder hosts that run as processes of this machine. */
export class LocalFleet {
  private readonly entries = new Map<string, Entry>();
  private readonly byRequest = new Map<string, string>();
  private readonly builds: BuildRecords;
  private readonly records: MemberRecords;
  private highestNumber = 0;
  private stopped = false;

  constructor(private readonly options: LocalFleetOptions) {
    this.builds = new BuildRecords(options.buildsFile);
    this.records = new MemberRecords(options.membersFile);
  }

  /** Encoders that an earlier run added and that were not released since. */
  get added(): readonly MemberRecord[] {
    return this.records.all;
  }

  list(): FleetEncoder[] {
    return this.members.filter((member) => !member.leaving).map((member) => member.describe());
  }

  /**
   * Starts an encoder under a given id, with the build and the sessions that it ran last, and waits until it serves. For the
   * start of a swarm; one that dies later is started again without sessions.
   */
  async start(id: string, zone: string): Promise<FleetEncoder> {
    const sessionsFile = sessionsFileOf(this.options, id);
    if (sessionsFile) keepForResume(sessionsFile);
    const build = this.builds.buildOf(id);
    const isThere = build !== undefined && existsSync(build.executablePath);
    if (build && !isThere) this.builds.forget(id);
    const { member, started } = this.add(id, zone, isThere ? build : undefined, { verifyBuild: false });
    const record = this.records.all.find((added) => added.id === id);
    if (record) this.byRequest.set(record.requestId, id);
    await started;
    return member.describe();
  }

  /**
   * Starts one more encoder, in the zone with the fewest unless one is named.
   * @param build what it runs; absent: FFMPEG of this machine
   * @throws SwarmError at-capacity-limit; bad-request for a zone that the fleet does not have; not-found, conflict
   * for a build that is not here
   */
  async provision(requestId: string, zone?: string, build?: InstalledBuild): Promise<FleetEncoder> {
    const known = this.entries.get(this.byRequest.get(requestId) ?? '');
    if (known) {
      await known.started;
      return known.member.describe();
    }
    if (zone !== undefined && !this.options.zones.includes(zone)) {
      throw new SwarmError(
        'bad-request',
        `The fleet has no zone ${zone}.`,
        `Use ${this.options.zones.join(' or ')}.`,
      );
    }
    if (this.entries.size >= this.options.maxEncoders) {
      throw new SwarmError(
        'at-capacity-limit',
        `The fleet of this machine is at its limit of ${this.options.maxEncoders} encoders.`,
        'Release an encoder first.',
      );
    }
    const id = `enc-${this.highestNumber + 1}`;
    this.builds.forget(id);
    const { member, started } = this.add(id, zone ?? this.emptiestZone(), build, { verifyBuild: true });
    this.byRequest.set(requestId, id);
    await started;
    this.records.add({ id, zone: member.zone, requestId });
    if (build) this.builds.set(id, build, requestId);
    return member.describe();
  }

  /** Ends an encoder: SIGTERM, then SIGKILL. Unknown: nothing to do. */
  async deprovision(id: string): Promise<void> {
    const entry = this.entries.get(id);
    if (!entry) return;
    this.records.forget(id);
    await entry.member.stop();
    this.entries.delete(id);
    this.builds.forget(id);
    const sessionsFile = sessionsFileOf(this.options, id);
    if (sessionsFile) forgetForGood(sessionsFile);
    for (const [requestId, encoderId] of this.byRequest)
      if (encoderId === id) this.byRequest.delete(requestId);
    this.trimLogs();
  }

  /**
   * Restarts an encoder host with another build, under its own id and port. A request that was carried out
   * before, and a build that the host runs already, restart nothing.
   * @throws SwarmError unknown-encoder, not-found and conflict (see verifyInstalled): nothing was changed;
   * encoder-incompatible: the host does not start with this build, and runs the one before again; unavailable: nor
   * does it start with that one
   */
  async setBuild(id: string, build: InstalledBuild, requestId: string): Promise<FleetEncoder> {
    const entry = this.entries.get(id);
    if (!entry || entry.member.leaving) {
      throw new SwarmError(
        'unknown-encoder',
        `The fleet of this machine has no encoder ${id}.`,
        'Name one that `encoder-swarm status` lists.',
      );
    }
    const { member } = entry;
    const isDone = (): boolean => this.builds.knows(id, requestId);
    await member.changeBuild(build, isDone);
    if (!isDone() && !member.leaving) this.builds.set(id, build, requestId);
    return member.describe();
  }

  async stopAll(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.members.map((member) => member.stop()));
  }

  killAllNow(): void {
    this.stopped = true;
    for (const member of this.members) member.killNow();
  }

  private get members(): FleetMember[] {
    return [...this.entries.values()].map(({ member }) => member);
  }

  private add(
    id: string,
    zone: string,
    build: InstalledBuild | undefined,
    options: { verifyBuild: boolean },
  ): Entry {
    if (this.stopped) throw new SwarmError('unavailable', 'The fleet of this machine is stopping.');
    const member = new FleetMember(this.options, id, zone, this.freePort(), build);
    const number = Number(/^enc-(\d+)$/.exec(id)?.[1] ?? 0);
    this.highestNumber = Math.max(this.highestNumber, number);
    const started = member.start(options).catch((error: unknown) => {
      this.entries.delete(id);
      this.trimLogs();
      throw error;
    });
    const entry = { member, started };
    this.entries.set(id, entry);
    return entry;
  }

  private trimLogs(): void {
    trimDepartedLogs(this.options.logsDir, new Set(this.entries.keys()));
  }

  private freePort(): number {
    const used = new Set(this.members.map((member) => member.port));
    let port = this.options.portBase;
    while (used.has(port)) port += 1;
    return port;
  }

  private emptiestZone(): string {
    const count = (zone: string): number => this.members.filter((member) => member.zone === zone).length;
    return [...this.options.zones].sort((a, b) => count(a) - count(b))[0] ?? '';
  }
}
