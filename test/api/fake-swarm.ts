import { recordOfResult, runUrl } from '../../src/api/move-records';
import type { ApiPorts, WorkflowRun } from '../../src/api/ports';
import type { MoveRecord } from '../../src/contracts/api';
import type { FleetEncoder } from '../../src/contracts/fleet';
import type { StorageReport } from '../../src/contracts/health';
import type { LedgerEntry, OriginChannel } from '../../src/contracts/origin';
import type { InputFacts, SourceChannel } from '../../src/contracts/source';
import {
  SwarmError,
  changedSpec,
  policySchema,
  redactedInput,
  type AudienceSeen,
  type CellForecast,
  type ChannelSpec,
  type ChannelWorkflowState,
  type CycleResult,
  type DemandCurve,
  type EncoderInfo,
  type EncoderTelemetry,
  type ErrorCode,
  type KnownEvent,
  type MoveRequest,
  type MoveResult,
  type SwarmWorkflowState,
  type LatestFeedback,
} from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { systemClock, type Clock } from '../../src/platform/clock';
import type { AudienceRow } from '../../src/telemetry/forecast-inputs';
import { partClients } from '../support/part-clients';
import { inputFacts, ledgerEntry, originChannel, sourceChannel } from '../support/wire';
import { fakeDigest } from './fake-digest';
import { FakeRollouts } from './fake-rollouts';
import { fakeSplices } from './fake-splices';
import { FakeVersions } from './fake-versions';
import { moveResult } from './move-result';

type FakeChannel = { spec: ChannelSpec; encoderId: string | null; token: number; rungs: number };

/** A small swarm in memory behind the API's ports. It refuses what real workflows do: any fault can be had on demand. */
export class FakeSwarm {
  readonly channels = new Map<string, FakeChannel>();
  readonly encoders = new Map<string, FleetEncoder & Omit<EncoderInfo, 'maxSessions' | 'ffmpegVersion'>>();
  readonly cordons: SwarmWorkflowState['cordons'] = {};
  readonly moves: MoveRecord[] = [];
  readonly runs = new Map<string, WorkflowRun>();
  /** Parts that don't answer: temporal, origin, source, fleet, influxdb, or an encoder. */
  readonly silent = new Set<string>();
  /** Channels with a move under way, encoders with no room, encoders of another build. */
  readonly moving = new Set<string>();
  readonly full = new Set<string>();
  readonly incompatible = new Set<string>();
  readonly notVideo = new Set<string>();
  readonly versions = new FakeVersions();
  readonly rollouts = new FakeRollouts();
  readonly events = new Map<string, KnownEvent>();
  readonly imported: AudienceRow[] = [];
  /** What control cycles planned from, as JSON, by the id of the snapshot. */
  readonly stored = new Map<string, string>();
  /** What the record of the last cycle has otherwise than a small swarm's. */
  lastCycle: Partial<CycleResult> = {};
  learned: LatestFeedback[] = [];
  swarmEnd: Awaited<ReturnType<ApiPorts['orchestration']['swarmEnd']>> = null;
  ends: Awaited<ReturnType<ApiPorts['orchestration']['ends']>> = [];
  /** What source and origin say of channels otherwise than of ones that are all right. */
  readonly sources: Record<string, Partial<SourceChannel>> = {};
  atOrigin: Partial<OriginChannel> = {};
  audience: AudienceSeen = { atMs: 0, viewers: [] };
  retrainings = 0;
  calls = 0;
  storage: StorageReport[] = [];
  delayMs = 0;
  readonly startedAtMs: number;
  private readonly clock: Clock;

  constructor(options: { channels?: number; clock?: Clock } = {}) {
    this.clock = options.clock ?? systemClock;
    this.startedAtMs = this.clock.now() - 600_000;
    for (const [index, zone] of ['a', 'b', 'a'].entries()) {
      const id = `enc-${index + 1}`;
      this.encoders.set(id, {
        id,
        grpcAddress: `127.0.0.1:${7710 + index}`,
        region: 'eu',
        zone,
        state: 'running',
        restarts: 0,
        pid: null,
        startedAtMs: this.startedAtMs,
        capacityUnits: 6,
        version: '0.1.0',
      });
    }
    for (let n = 1; n <= (options.channels ?? 6); n += 1) {
      const encoderId = n <= 3 ? 'enc-1' : n <= 5 ? 'enc-2' : 'enc-3';
      this.channels.set(`ch-${n}`, {
        spec: channelWithDefaults(`ch-${n}`),
        encoderId,
        token: n,
        rungs: n === 1 ? 3 : 1,
      });
    }
  }

  /** What the source says of every input; an error is what it refuses with. */
  facts: InputFacts | SwarmError = inputFacts();
  private look(_url: string): InputFacts {
    if (this.facts instanceof SwarmError) throw this.facts;
    return this.facts;
  }

  /** What a test compares before and after a refusal. */
  snapshot(): string {
    return JSON.stringify([
      [...this.channels],
      this.cordons,
      this.moves.length,
      [...this.events],
      this.imported.length,
      this.versions.state,
      this.rollouts.state?.phase,
      this.rollouts.state?.paused,
      this.retrainings,
    ]);
  }

  ports(): ApiPorts {
    return {
      inputs: { look: (url) => this.ask('source', () => this.look(url)) },
      orchestration: {
        swarmState: () => this.ask('temporal', () => this.swarmState()),
        swarmEnd: () => this.ask('temporal', () => this.swarmEnd),
        ends: () => this.ask('temporal', () => this.ends),
        channelState: (id) => this.ask('temporal', () => this.channelState(id)),
        addChannel: (spec) => this.ask('temporal', () => this.addChannel(spec)),
        updateChannel: (id, change) =>
          this.ask('temporal', () => {
            const known = this.channels.get(id);
            if (known) this.channels.set(id, { ...known, spec: changedSpec(known.spec, change) });
          }),
        removeChannel: (id) => this.ask('temporal', () => this.removeChannel(id)),
        move: (id, request) => this.ask('temporal', () => this.move(id, request)),
        setCordon: (id, change) => this.ask('temporal', () => this.setCordon(id, change)),
        moves: ({ limit, channelId }) =>
          this.ask('temporal', () =>
            this.moves.filter((m) => channelId === undefined || m.channelId === channelId).slice(0, limit),
          ),
        run: (id) =>
          this.ask('temporal', () => {
            const run = this.runs.get(id);
            if (!run) throw new SwarmError('not-found', `There is no workflow ${id}.`, 'Look at the list.');
            return run;
          }),
        retrain: () => this.ask('temporal', () => void (this.retrainings += 1)),
        close: async () => {},
      },
      versions: this.versions.port((answer) => this.ask('temporal', answer)),
      rollouts: this.rollouts.port((answer) => this.ask('temporal', answer)),
      parts: this.parts(),
      telemetry: {
        inputs: this.inputs,
        feedback: this.feedback,
        planning: {
          record: ({ snapshotId }) => this.ask('influxdb', () => this.stored.get(snapshotId) ?? null),
          forecast: () => this.ask('influxdb', () => null),
        },
        audienceHistory: ({ channelIds, steps, stepSeconds, endMs }) =>
          this.ask('influxdb', () =>
            Object.fromEntries(
              channelIds.map((id) => [
                id,
                Array.from({ length: steps }, (_, i) =>
                  this.viewers(id, endMs - (steps - 1 - i) * stepSeconds * 1000),
                ),
              ]),
            ),
          ),
        latestAudience: ({ channelIds }) =>
          this.ask('influxdb', () =>
            Object.fromEntries(channelIds.map((id) => [id, this.viewers(id, this.clock.now())])),
          ),
        latestForecast: () => this.ask('influxdb', () => this.forecast()),
        recent: (_measurement, { sinceMs, stepSeconds = 5 }) =>
          this.ask('influxdb', () =>
            [...this.encoders.keys()].flatMap((encoder) =>
              Array.from({ length: 48 }, (_, i) => ({
                atMs: sinceMs + i * stepSeconds * 1000,
                tags: { encoder },
                fields: { units_used: this.unitsOf(encoder) * (0.7 + 0.3 * Math.min(1, i / 30)) },
              })),
            ),
          ),
      },
      close: async () => {},
    };
  }

  private parts(): ApiPorts['parts'] {
    const ids = (): string[] => [...this.channels.keys()];
    return partClients({
      relay: fakeSplices(this.channels),
      origin: {
        ...partClients().origin,
        channels: () => this.ask('origin', () => ids().map((id) => this.originChannel(id))),
        audience: () => this.ask('origin', () => this.audience),
        ledger: (id, gop) => this.ask('origin', () => [this.ledgerEntry(id, gop)]),
      },
      storage: async () => this.storage,
      source: {
        channels: () => this.ask('source', () => ids().map((id) => this.sourceChannel(id))),
        keepSecretsOf: async (input) => redactedInput(input),
        switchInput: async (id) => this.withStandby(id),
        cancelSwitches: async (id) => this.withStandby(id),
      },
      fleet: { list: () => this.ask('fleet', () => [...this.encoders.values()]) },
      encoderAt: (address) => ({
        describe: () => this.ask(this.at(address).id, () => this.describe(address)),
        telemetry: () => this.ask(this.at(address).id, () => this.telemetry(address)),
      }),
    });
  }

  private withStandby(id: string): SourceChannel {
    this.known(id);
    const channel = this.sourceChannel(id);
    if (channel.standby) return channel;
    throw new SwarmError('conflict', `${id} has one input.`, 'Give it a backup.');
  }

  private readonly sourceChannel = (id: string): SourceChannel => sourceChannel({ id, ...this.sources[id] });

  private readonly inputs: ApiPorts['telemetry']['inputs'] = {
    regionLoad: ({ steps }) =>
      this.ask('influxdb', () => ({
        eu: Array.from({ length: steps }, (_, i) => 0.4 + 0.2 * Math.sin(i / 6)),
      })),
    events: () =>
      this.ask('influxdb', () => [...this.events.values()].sort((a, b) => a.startsAtMs - b.startsAtMs)),
    putEvent: (_cell, event) => this.ask('influxdb', () => void this.events.set(event.id, event)),
    removeEvent: (_cell, id) => this.ask('influxdb', () => this.events.delete(id)),
    importAudience: (_cell, rows) => this.ask('influxdb', () => void this.imported.push(...rows)),
  };

  private readonly feedback: ApiPorts['telemetry']['feedback'] = {
    latest: () => this.ask('influxdb', () => this.learned),
    accuracy: () =>
      this.ask('influxdb', () =>
        [...this.channels.keys()].flatMap((id) =>
          [1, 8].map((lead) => ({
            kind: 'viewers' as const,
            id,
            lead,
            count: 160,
            pinball: 12.5 * lead,
            mase: 0.61,
            coverage: 0.79,
            over90: 0.11,
            bias: -3.5,
            widthLow: 1,
            widthHigh: 1.2,
            shift: 0.1,
            drifting: this.learned.some((l) => l.id === id && l.lead === lead && l.alarmSteps > 0),
            lastTargetMs: this.clock.now() - 5_000,
          })),
        ),
      ),
  };

  private async ask<T>(part: string, answer: () => T): Promise<T> {
    this.calls += 1;
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    if (this.silent.has(part)) {
      throw new SwarmError('unavailable', `${part} can't be reached: it was silenced.`, `Start ${part}.`);
    }
    return answer();
  }

  private at(address: string): FleetEncoder & Omit<EncoderInfo, 'maxSessions' | 'ffmpegVersion'> {
    return [...this.encoders.values()].find((e) => e.grpcAddress === address)!;
  }

  private viewers(id: string, atMs: number): number {
    const n = Number(id.replace(/\D/g, '')) || 1;
    return Math.round(900 * n + 600 * n * (1 + Math.sin(atMs / 60_000 + n)) + ((atMs / 1000) % 17) * 5);
  }

  private unitsFor(id: string): number {
    return [0, 1, 1.64, 3.42][this.channels.get(id)!.rungs] ?? 1;
  }

  private unitsOf(encoderId: string): number {
    return [...this.channels]
      .filter(([, c]) => c.encoderId === encoderId)
      .reduce((s, [id]) => s + this.unitsFor(id), 0);
  }

  private nextGop(): number {
    return Math.floor((this.clock.now() - this.startedAtMs) / 2000);
  }

  private originChannel(id: string): OriginChannel {
    const channel = this.channels.get(id)!;
    return originChannel({
      id,
      token: channel.token,
      owner: channel.encoderId ? { encoderId: channel.encoderId, sessionId: `${id}-${channel.token}` } : null,
      nextGop: this.nextGop(),
      lastPublishedAtMs: this.startedAtMs + this.nextGop() * 2000,
      refusals: { 'stale-token': id === 'ch-2' ? 1 : 0 },
      ...this.atOrigin,
    });
  }

  private ledgerEntry(id: string, gop: number): LedgerEntry {
    const { spec, rungs } = this.channels.get(id)!;
    return ledgerEntry({
      gop,
      delayMs: 280 + ((gop * 37 + id.length * 13) % 60),
      renditions: spec.ladder.slice(0, rungs).map(({ name }) => ({ name, bytes: 1, sha256: '' })),
    });
  }

  private describe(address: string): EncoderInfo {
    const { id, grpcAddress, region, zone, capacityUnits, version, codecs } = this.at(address);
    const ffmpegVersion = id === 'enc-3' ? 'version N-92722 (2018)' : 'version 5.1.8';
    const buildDigest = fakeDigest(id === 'enc-3' ? 'b-2' : 'b-1');
    return {
      ...{ id, grpcAddress, region, zone, capacityUnits, version, ffmpegVersion, buildDigest },
      ...(codecs && { codecs }),
      maxSessions: 8,
    };
  }

  private telemetry(address: string): EncoderTelemetry {
    const { id } = this.at(address);
    const owned = [...this.channels].filter(([, c]) => c.encoderId === id);
    return {
      atMs: this.clock.now(),
      cpuCores: 0.05 * this.unitsOf(id),
      memoryMiB: 60 + 40 * owned.length,
      networkKbps: 700 * owned.length,
      unitsUsed: this.unitsOf(id),
      sessions: owned.map(([channelId, c]) => ({
        sessionId: `${channelId}-${c.token}`,
        channelId,
        state: 'publishing' as const,
        token: c.token,
        renditions: c.spec.ladder.slice(0, c.rungs).map((r) => r.name),
        units: this.unitsFor(channelId),
        fromGop: 0,
        lastEncodedGop: this.nextGop() - 1,
        lastPublishedGop: this.nextGop() - 1,
        ready: true,
        realTimeRatio: 1,
        lateGops: 0,
      })),
    };
  }

  private forecast(): CellForecast {
    const horizonSteps = 12;
    const curve = (base: number, growth: number): DemandCurve => {
      const at = (spread: number): number[] =>
        Array.from(
          { length: horizonSteps },
          (_, i) => base * (1 + (growth + spread) * ((i + 1) / horizonSteps)),
        );
      return { p10: at(-0.2), p50: at(0), p90: at(0.25) };
    };
    const ids = [...this.channels.keys()];
    const at = (value: number): number[] => Array.from({ length: horizonSteps }, () => value);
    return {
      forecastId: 'fc-1732300000',
      model: 'seasonal-naive',
      issuedAtMs: this.clock.now() - 3_000,
      stepSeconds: 5,
      horizonSteps,
      viewers: Object.fromEntries(ids.map((id) => [id, curve(this.viewers(id, this.clock.now()), 0.3)])),
      channelUnits: Object.fromEntries(
        ids.map((id) => [id, curve(this.unitsFor(id), id === 'ch-1' ? 0.1 : 0.02)]),
      ),
      held: ['ch-6'],
      regionLoad: { eu: { p10: at(0.4), p50: at(0.5), p90: at(0.65) } },
      errorCorrelation: 0.5,
    };
  }

  private swarmState(): SwarmWorkflowState {
    return {
      cell: 'local',
      cycle: 118,
      policy: policySchema.parse({}),
      channels: [...this.channels.values()].map((c) => c.spec),
      cordons: this.cordons,
      lowDemandSinceMs: null,
      lastCycle: {
        workflowId: 'cycle/local/118',
        atMs: this.clock.now() - 4_000,
        forecastId: 'fc-1732300000',
        forecastModel: 'seasonal-naive',
        fitness: [...this.encoders.keys()].map((encoderId, i) => ({
          encoderId,
          score: 0.52 + 0.19 * i,
          terms: { headroom: 0.3 + 0.3 * i, quality: 0.96, version: 1, zone: 1, stability: 0.9 },
          weakestTerm: 'headroom' as const,
        })),
        plan: { moves: [], scale: { kind: 'none' }, unmet: [], lowDemandSinceMs: null },
        acted: [],
        unreachable: [],
        ...this.lastCycle,
      },
    };
  }

  private channelState(id: string): ChannelWorkflowState {
    const channel = this.known(id);
    return {
      spec: channel.spec,
      status: 'on-air',
      ownerEncoderId: channel.encoderId,
      ownerSessionId: `${id}-${channel.token}`,
      token: channel.token,
      rungs: channel.rungs,
      moves: channel.token,
      movedAtMs: null,
      lastMove: null,
      detail: '',
    };
  }

  private known(id: string): FakeChannel {
    const channel = this.channels.get(id);
    if (!channel)
      throw new SwarmError('unknown-channel', `There is no channel ${id}.`, 'See the list of channels.');
    return channel;
  }

  private addChannel(spec: ChannelSpec): void {
    if (this.channels.has(spec.id)) {
      throw new SwarmError('channel-exists', `There is a channel ${spec.id} already.`, 'Take another id.');
    }
    if (spec.input.kind === 'url' && this.notVideo.has(spec.input.url)) {
      throw new SwarmError('input-not-video', `${spec.input.url} holds no video.`, 'Give a file with video.');
    }
    this.channels.set(spec.id, { spec, encoderId: 'enc-3', token: 1, rungs: 1 });
  }

  private removeChannel(id: string): void {
    this.known(id);
    this.channels.delete(id);
  }

  private setCordon(id: string, change: 'cordon' | 'uncordon' | 'drain'): void {
    if (!this.encoders.has(id)) {
      throw new SwarmError('unknown-encoder', `There is no encoder ${id}.`, 'See the list of encoders.');
    }
    if (change === 'uncordon') delete this.cordons[id];
    else this.cordons[id] = { draining: change === 'drain', by: 'operator', atMs: this.clock.now() };
  }

  private move(id: string, request: MoveRequest): MoveResult {
    const channel = this.known(id);
    const to = request.toEncoderId ?? [...this.encoders.keys()].find((e) => e !== channel.encoderId)!;
    const from = channel.encoderId;
    if (this.moving.has(id)) throw new SwarmError('move-in-progress', `${id} is being moved.`);
    if (to === from && request.rungs === undefined)
      throw new SwarmError('same-encoder', `${id} is on ${to} already.`);
    // The workflow of a channel answers what its handoff finds out as the result of that handoff.
    const refused = (code: ErrorCode, message: string): MoveResult =>
      moveResult(id, from, null, channel.token, request, {
        ...{ outcome: 'refused', ownerEncoderId: from, failure: { code, message } },
      });
    if (!this.encoders.has(to)) return refused('unknown-encoder', `There is no encoder ${to}.`);
    if (this.cordons[to]) return refused('encoder-cordoned', `${to} is cordoned.`);
    if (this.full.has(to)) return refused('encoder-full', `${to} has no room for ${id}.`);
    if (this.incompatible.has(to)) return refused('encoder-incompatible', `${to} can't encode ${id}.`);
    channel.encoderId = to;
    channel.token += 1;
    const result = moveResult(id, from, to, channel.token, request);
    this.remember(result);
    return result;
  }

  /** Adds an ended move with its run, as if the workflows had made it. */
  remember(result: MoveResult, type: 'handoff' | 'recovery' = 'handoff'): void {
    const { workflowId, runId, channelId, reason, toEncoderId } = result;
    const url = runUrl('http://127.0.0.1:8233', 'default', workflowId, runId);
    const times = { startedAtMs: result.requestedAtMs, closedAtMs: result.finishedAtMs };
    const subject = { workflowId, runId, type, channelId, reason, encoderId: toEncoderId };
    const listed = { ...subject, running: false, ...times };
    this.moves.unshift(recordOfResult(listed, url, result));
    this.runs.set(result.workflowId, {
      ...{ workflowId, runId, url, type, status: 'COMPLETED', ...times },
      ...{ input: {}, result, failure: null },
      steps: result.steps.map((s) => ({ ...s, attempts: 1 })),
    });
  }
}
