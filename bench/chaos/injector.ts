import type { FleetEncoder } from '../../src/contracts/fleet';
import { SourceClient } from '../../src/contracts/source';
import type { RunningSwarm } from '../../src/launch/swarm';
import type { Clocks } from './clocks';
import {
  inWords,
  kindOf,
  type Fault,
  type FaultGroup,
  type FullDiskVictim,
  type InputAbsence,
} from './faults';
import type { LiveInput } from './live-input';
import type { MemoryDisk } from './memory-disk';
import { freeAgainAtMs, rules } from './plan';
import { ffmpegsOf, stopProcess } from './processes';
import type { Proxies } from './proxies';
import { damageRecord, startSecond } from './state-faults';

/** A fault as it came to be. */
export interface InjectedFault {
  number: number;
  kind: string;
  group: FaultGroup;
  /** Part whose lane it is drawn in; an encoder host by its id. */
  part: string;
  words: string;
  beganAtMs: number;
  /** Null while it lasts. */
  endedAtMs: number | null;
  /** Why it could not be done; then nothing was. */
  skipped: string | null;
}

type End = () => void | Promise<void>;

class Skipped extends Error {}

/** An input is opened again every 30 s at the least, and a busy machine needs a while for it. */
const INPUT_HEALS_WITHIN_MS = 90_000;
const ASK_WITHIN_MS = 2_000;

/** Carries faults out on a running swarm. */
export class Injector {
  readonly injected: InjectedFault[] = [];
  /** What must not have been possible, and what could not be put right. */
  readonly troubles: string[] = [];
  private readonly lasting = new Map<InjectedFault, { end: End; timer: NodeJS.Timeout }>();
  private readonly ending = new Set<Promise<void>>();
  /** Encoder hosts under a fault or about to recover from one, and until when. */
  private readonly heldUntilMs = new Map<string, number>();

  constructor(
    private readonly options: {
      swarm: RunningSwarm;
      proxies: Proxies;
      /** The origin's own, and that of the whole state, which holds the mount of the other one. */
      disks: { origin: MemoryDisk; state: MemoryDisk } | null;
      clocks: Clocks | null;
      /** What the channel `id` gets. */
      liveInput: { id: string; input: LiveInput } | null;
      onBegan(fault: InjectedFault): void;
      onEnded(fault: InjectedFault): void;
    },
  ) {}

  /** Begins a fault; it ends by itself. What can't be done at this moment is noted as skipped. */
  async begin(fault: Fault): Promise<InjectedFault> {
    const { action } = fault;
    const record: InjectedFault = {
      number: fault.number,
      kind: kindOf(action),
      group: action.group,
      part: action.group === 'network' ? action.link : action.target,
      words: inWords(fault),
      beganAtMs: Date.now(),
      endedAtMs: null,
      skipped: null,
    };
    this.injected.push(record);
    try {
      const host = fault.encoder === null ? null : this.hostAt(fault.encoder);
      if (host) record.part = host.id;
      const end = await this.carryOut(fault, host, record);
      if (host) this.heldUntilMs.set(record.part, Date.now() + freeAgainAtMs(fault) - fault.atMs);
      record.beganAtMs = Date.now();
      this.options.onBegan(record);
      if (fault.lastsMs === 0) this.over(record);
      else {
        const timer = setTimeout(() => this.track(this.endNow(record)), fault.lastsMs);
        this.lasting.set(record, { end, timer });
      }
    } catch (error) {
      record.skipped = (error as Error).message;
      record.endedAtMs = record.beganAtMs;
      if (!(error instanceof Skipped)) record.skipped = `failed: ${record.skipped}`;
      this.options.onEnded(record);
    }
    return record;
  }

  /** Ends all that last. */
  async endAll(): Promise<void> {
    await Promise.all([...this.lasting.keys()].map((record) => this.endNow(record)));
    await Promise.all(this.ending);
  }

  private track(work: Promise<void>): void {
    const tracked = work.finally(() => this.ending.delete(tracked));
    this.ending.add(tracked);
  }

  private async endNow(record: InjectedFault): Promise<void> {
    const lasting = this.lasting.get(record);
    if (!lasting) return;
    this.lasting.delete(record);
    clearTimeout(lasting.timer);
    try {
      await lasting.end();
    } catch (error) {
      record.words += ` (its end failed: ${(error as Error).message})`;
      this.troubles.push(`#${record.number} ${record.kind}: ${(error as Error).message}`);
    }
    this.over(record);
  }

  private over(record: InjectedFault): void {
    record.endedAtMs = Date.now();
    this.options.onEnded(record);
  }

  private async carryOut(
    { action, choice, lastsMs }: Fault,
    host: FleetEncoder | null,
    record: InjectedFault,
  ): Promise<End> {
    const { proxies, clocks } = this.options;
    switch (action.group) {
      case 'kill': {
        process.kill(this.pidOf(action.target, host, choice, record), 'SIGKILL');
        return () => undefined;
      }
      case 'stop':
        return stopProcess(this.pidOf(action.target, host, choice, record), action.whole);
      case 'network':
        return proxies.spoil(action.link, host && this.placeOf(host), action.effect, action.amount);
      case 'disk':
        return action.target === 'origin' ? this.disks.origin.fill() : this.fillState(action.kills, lastsMs);
      case 'clock':
        if (!clocks) throw new Skipped('there is no libfaketime');
        return clocks.jump(host?.id ?? action.target, action.jumpMs);
      case 'damage': {
        const { target } = action;
        const { swarm } = this.options;
        const stateDir = swarm.environment.SWARM_STATE_DIR;
        const damage = await damageRecord({ target, stateDir, choice, pidOf: () => swarm.pids()[target] });
        record.words += `, of ${damage.channelId}`;
        return damage.end;
      }
      case 'input':
        return this.takeInput(action.absence);
      case 'second':
        return startSecond(action.target, this.options.swarm);
    }
  }

  private get disks(): { origin: MemoryDisk; state: MemoryDisk } {
    if (!this.options.disks) throw new Skipped('the swarm has no disk of its own');
    return this.options.disks;
  }

  /** Fills everything that the swarm writes to, and kills a part half-way. */
  private async fillState(kills: FullDiskVictim, lastsMs: number): Promise<End> {
    const { state, origin } = this.disks;
    const makeRoom = await Promise.all([state.fill(), origin.fill()]);
    const kill = setTimeout(() => {
      const pid = this.options.swarm.pids()[kills];
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    }, lastsMs / 2);
    return async () => {
      clearTimeout(kill);
      await Promise.all(makeRoom.map((make) => make()));
    };
  }

  /** Takes a channel its input; in the end it must be back by itself. */
  private takeInput(absence: InputAbsence): End {
    const { liveInput, swarm } = this.options;
    if (!liveInput) throw new Skipped('no channel has a live input');
    const { id, input } = liveInput;
    if (!input.hasReaders) throw new Skipped('nobody reads the input');
    const comeBack = input.leave(absence);
    return async () => {
      const source = new SourceClient(swarm.environment.SWARM_SOURCE_URL);
      const told = await source.channels({ timeoutMs: ASK_WITHIN_MS }).catch(() => []);
      comeBack();
      await input.untilRead(INPUT_HEALS_WITHIN_MS);
      // A silent one stays open, behind its last picture, and is told of.
      const isUnnamed = told.some(
        (channel) =>
          channel.id === id &&
          channel.state === 'running' &&
          (absence === 'away' || !channel.missing?.some(({ what }) => what !== 'sound')),
      );
      if (isUnnamed) throw new Error(`the source called the input of ${id} running`);
    };
  }

  /** The planner may have let the encoder go that was meant: another one then, that is left alone so far. */
  private hostAt(place: number): FleetEncoder {
    const hosts = this.options.swarm.fleet.list();
    const free = hosts.filter(({ id }) => (this.heldUntilMs.get(id) ?? 0) < Date.now());
    const host = hosts.find((e) => e.id === `enc-${place + 1}`) ?? free[place % free.length];
    if (!host) throw new Skipped('there is no encoder host');
    if (free.filter(({ id }) => id !== host.id).length < rules.encodersLeftAlone)
      throw new Skipped('too few encoder hosts would be left alone');
    return host;
  }

  private placeOf(host: FleetEncoder): number {
    return this.options.proxies.placeOf(Number(host.grpcAddress.split(':').at(-1)));
  }

  private pidOf(target: string, host: FleetEncoder | null, choice: number, record: InjectedFault): number {
    if (!host) {
      const pid = this.options.swarm.pids()[target];
      if (pid === undefined) throw new Skipped(`${target} is not running`);
      return pid;
    }
    if (target === 'encoder') {
      if (host.pid === null) throw new Skipped(`${host.id} is not running`);
      return host.pid;
    }
    // Where the one that was meant encodes nothing, another one does.
    for (const { id, pid } of [host, ...this.options.swarm.fleet.list()]) {
      const ffmpegs = pid === null ? [] : ffmpegsOf(pid);
      const chosen = ffmpegs[Math.floor(choice * ffmpegs.length)];
      if (chosen === undefined) continue;
      record.part = id;
      return chosen;
    }
    throw new Skipped('no ffmpeg runs');
  }
}
