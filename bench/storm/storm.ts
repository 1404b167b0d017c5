import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { callJson } from '../../src/contracts/call';
import { OriginClient, type OriginChannel } from '../../src/contracts/origin';
import {
  channelControl,
  channelWorkflowId,
  policySchema,
  seededRandom,
  type ChannelWorkflowState,
  type MoveRequest,
} from '../../src/domain';
import { connectTemporal, ensureSwarm } from '../../src/temporal/client';
import { pick } from '../lib/statistics';
import type { ChannelRecord, RequestRecord, SagaRecord, StormFacts } from './judge';
import { askForHandoff } from './requests';
import { activitySchema, factsSchema, type EncoderActivity } from './stand-in/contract';
import { stormChannel, type StormSwarm } from './storm-swarm';

/** Share of the requests that are asked twice at once under one id, and of those that meet another one under way. */
const ASKED_TWICE = 0.02;
const CONTENDED = 0.01;
const SETTLE_LIMIT_MS = 120_000;
const ON_AIR_LIMIT_MS = 120_000;
/** One answer may hold all that an hour of storm left behind. */
const FACTS_LIMIT_MS = 120_000;
const ADD_AT_ONCE = 8;
/** A kill at this time after an answer meets any step of the handoffs under way. */
const ANY_STEP_MS = 1_500;

export interface StormOptions {
  swarm: StormSwarm;
  channels: number;
  seed: number;
  /**
   * The worker is killed after a pause between the two; or after this many answers, which makes progress on a machine of
   * any speed.
   */
  killEvery: { ms: [number, number] } | { answers: number };
  onProgress(done: number, kills: number): void;
}

/** Handoffs in one lane a channel, and a lane that kills the worker. */
export class Storm {
  readonly requests: RequestRecord[] = [];
  readonly answeredMs: number[] = [];
  kills = 0;
  private readonly channelIds: string[];
  private readonly random: () => number;
  private readonly killRandom: () => number;
  private issued = 0;
  private done = 0;

  private constructor(
    private readonly options: StormOptions,
    private readonly client: Client,
    readonly close: () => Promise<void>,
  ) {
    this.channelIds = Array.from({ length: options.channels }, (_, i) => `ch-${i + 1}`);
    // A lane each: how long handoffs take must not change when the worker is killed.
    this.random = seededRandom(options.seed);
    this.killRandom = seededRandom(options.seed + 1_000_003);
  }

  /** Brings the channels on air, without any kill. */
  static async begin(options: StormOptions): Promise<Storm> {
    const temporal = await connectTemporal(options.swarm.environment);
    const storm = new Storm(options, temporal.client, () => temporal.close());
    const { client } = storm;
    // A fleet of fixed size, and no moves but those of the storm.
    const encoders = options.swarm.encoderIds.length;
    const policy = policySchema.parse({ minEncoders: encoders, maxEncoders: encoders, maxMovesPerCycle: 0 });
    for (let i = 0; i < storm.channelIds.length || i === 0; i += ADD_AT_ONCE) {
      const channels = storm.channelIds.slice(i, i + ADD_AT_ONCE).map(stormChannel);
      await ensureSwarm(client, options.swarm.environment, { policy, channels });
    }
    await storm.until('every channel is on air', ON_AIR_LIMIT_MS, async () => {
      const states = await Promise.all(storm.channelIds.map((id) => storm.stateOf(id)));
      return states.every(({ status }) => status === 'on-air');
    });
    return storm;
  }

  /**
   * Requests this many handoffs, and kills the worker meanwhile; returns once each was answered or given up.
   * @param options.leastKills goes on requesting until there were this many kills; default 0
   */
  async rage(handoffs: number, options: { leastKills?: number } = {}): Promise<void> {
    const last = this.issued + handoffs;
    const leastKills = this.kills + (options.leastKills ?? 0);
    const goesOn = (): boolean => this.issued < last || this.kills < leastKills;
    const calm = new AbortController();
    const killing = this.killLane(calm.signal);
    try {
      await Promise.all(this.channelIds.map((id) => this.handoffLane(id, goesOn)));
    } finally {
      calm.abort();
      await killing;
    }
  }

  private async handoffLane(channelId: string, goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const chance = this.random();
      const contended = chance < CONTENDED;
      const askings = chance > 1 - ASKED_TWICE ? 2 : 1;
      const owner = await this.ownerOf(channelId);
      const targets = this.options.swarm.encoderIds.filter((id) => id !== owner);
      const requests = [this.request(channelId, pick(this.random, targets), askings)];
      if (contended) requests.push(this.request(channelId, pick(this.random, targets), 1));
      await Promise.all(requests);
    }
  }

  private async ownerOf(channelId: string): Promise<string | null> {
    return (await this.channelAtOrigin(channelId)).owner?.encoderId ?? null;
  }

  private async request(channelId: string, toEncoderId: string, askings: number): Promise<void> {
    this.issued += 1;
    const requestId = `storm-${this.issued}`;
    const record: RequestRecord = { requestId, channelId, asked: askings, answers: [] };
    this.requests.push(record);
    const request: MoveRequest = {
      ...{ requestId, toEncoderId },
      reason: 'operator',
      requestedBy: 'storm',
      requestedAtMs: Date.now(),
    };
    await Promise.all(
      Array.from({ length: askings }, async (_, i) => {
        const answer = await askForHandoff(this.client, channelId, `${requestId}/${i + 1}`, request);
        if (answer) record.answers.push(answer);
      }),
    );
    this.answeredMs.push(Date.now() - request.requestedAtMs);
    this.done += 1;
    this.options.onProgress(this.done, this.kills);
  }

  private async killLane(calm: AbortSignal): Promise<void> {
    const { worker } = this.options.swarm;
    const works = (): boolean => worker.state === 'running';
    const pause = (ms: number): Promise<void> =>
      sleep(ms, undefined, { signal: calm }).catch(() => undefined);
    while (!calm.aborted) {
      await this.untilNextKill(pause, () => calm.aborted);
      // What does not work can't be interrupted: on a busy machine a start takes its time.
      while (!calm.aborted && !works()) await pause(100);
      if (calm.aborted || worker.pid === null) continue;
      process.kill(worker.pid, 'SIGKILL');
      this.kills += 1;
    }
  }

  private async untilNextKill(pause: (ms: number) => Promise<void>, isCalm: () => boolean): Promise<void> {
    const { killEvery } = this.options;
    const chance = this.killRandom();
    if ('ms' in killEvery) {
      const [shortest, longest] = killEvery.ms;
      return pause(shortest + chance * (longest - shortest));
    }
    const due = this.done + killEvery.answers;
    while (!isCalm() && this.done < due) await pause(20);
    await pause(chance * ANY_STEP_MS);
  }

  /** Sabotage: ends one handoff that is under way. */
  async terminateOne(): Promise<void> {
    const query = 'WorkflowType = "handoff" AND ExecutionStatus = "Running"';
    for (;;) {
      for await (const { workflowId } of this.client.workflow.list({ query })) {
        const handle = this.client.workflow.getHandle(workflowId);
        const isEnded = await handle.terminate('sabotage').then(
          () => true,
          () => false,
        );
        if (isEnded) return;
      }
      await sleep(20);
    }
  }

  /** Waits until no saga runs any more, within the limit; then asks every part for what it knows. */
  async facts(settleLimitMs = SETTLE_LIMIT_MS): Promise<StormFacts> {
    const running = `WorkflowType IN ("handoff", "recovery") AND ExecutionStatus = "Running"`;
    await this.until('every saga has ended', settleLimitMs, async () => {
      const { count } = await this.client.workflow.count(running);
      return count === 0;
    }).catch(() => undefined);
    // Sources whose release failed are released by the control cycle after a minute.
    await this.until('no session is left over', settleLimitMs, async () => {
      const [{ sessions }, channels] = await Promise.all([this.activity(), this.atOrigin()]);
      const owners = new Set(channels.map((channel) => channel.owner?.sessionId));
      return sessions.every((s) => s.state === 'failed' || owners.has(s.sessionId));
    }).catch(() => undefined);
    const facts = await callJson(`${this.options.swarm.standInUrl}/facts`, factsSchema, {
      timeoutMs: FACTS_LIMIT_MS,
    });
    const sagas = await this.sagas();
    // One after the other: what the parts know after a long storm is much, all of it at once too much.
    const channels: ChannelRecord[] = [];
    for (const { id } of await this.atOrigin()) channels.push(await this.channelRecord(id));
    return { requests: this.requests, sagas, channels, ...facts };
  }

  private async sagas(): Promise<SagaRecord[]> {
    const records: SagaRecord[] = [];
    const attribute = (attributes: Record<string, unknown>, name: string): string | null => {
      const [value] = (attributes[name] ?? []) as string[];
      return value ?? null;
    };
    for await (const execution of this.client.workflow.list({
      query: 'WorkflowType IN ("handoff", "recovery")',
      pageSize: 1_000,
    })) {
      const { workflowId, type, status, searchAttributes } = execution;
      const reason = attribute(searchAttributes, 'SwarmReason');
      const outcome = attribute(searchAttributes, 'SwarmOutcome');
      records.push({ workflowId, type, status: status.name, reason, outcome });
    }
    return records;
  }

  private async channelRecord(id: string): Promise<ChannelRecord> {
    const { owner, nextGop } = await this.channelAtOrigin(id);
    const [ledger, state, { sessions, lastSealed }] = await Promise.all([
      this.origin.ledger(id, 0, nextGop, { timeoutMs: FACTS_LIMIT_MS }),
      // A worker that has just restarted gives no answer before it has read the history.
      this.until(`${id} tells its state`, FACTS_LIMIT_MS, () => this.stateOf(id)),
      this.activity(),
    ]);
    const { ownerEncoderId, ownerSessionId } = state;
    const isActive = (s: string): boolean => s !== 'failed' && s !== 'released';
    return {
      ...{ id, ledger, nextGop },
      lastSealedGop: lastSealed[id] ?? -1,
      ownerAtOrigin: owner,
      ownerAtWorkflow:
        ownerEncoderId !== null && ownerSessionId !== null
          ? { encoderId: ownerEncoderId, sessionId: ownerSessionId }
          : null,
      activeSessionIds: sessions
        .filter((s) => s.channelId === id && isActive(s.state))
        .map((s) => s.sessionId),
    };
  }

  private stateOf(channelId: string): Promise<ChannelWorkflowState> {
    const handle = this.client.workflow.getHandle(channelWorkflowId(channelId));
    return handle.query<ChannelWorkflowState>(channelControl.state);
  }

  private atOrigin(): Promise<OriginChannel[]> {
    return this.origin.channels();
  }

  private channelAtOrigin(id: string): Promise<OriginChannel> {
    return this.origin.channel(id);
  }

  private get origin(): OriginClient {
    return new OriginClient(this.options.swarm.environment.SWARM_ORIGIN_URL);
  }

  private activity(): Promise<EncoderActivity> {
    return callJson(`${this.options.swarm.standInUrl}/activity`, activitySchema);
  }

  /** Asks again and again, also after a failure, until the answer is true or a value. @returns it */
  private async until<T>(what: string, limitMs: number, ask: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + limitMs;
    let cause: unknown;
    for (;;) {
      try {
        const answer = await ask();
        if (answer) return answer;
      } catch (error) {
        cause = error;
      }
      if (Date.now() > deadline) throw new Error(`Not so after ${limitMs / 1_000} s: ${what}.`, { cause });
      await sleep(500);
    }
  }
}
