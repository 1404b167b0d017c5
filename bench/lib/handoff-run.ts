import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { originUrlsOf } from '../../src/config/shared-origins';
import { OriginClient, type OriginChannel } from '../../src/contracts/origin';
import {
  channelControl,
  channelWorkflowId,
  seededRandom,
  type ChannelSpec,
  type MoveRequest,
  type MoveResult,
} from '../../src/domain';
import type { RunningSwarm } from '../../src/launch/swarm';
import { pause } from '../../src/platform/retry';
import { auditFence } from './fence-audit';
import { childrenOf } from './kills';
import { pick } from './statistics';

const ON_AIR_LIMIT_MS = 60_000;
const MOVE_LIMIT_MS = 60_000;
/** GOPs after a change of owner that do not count as steady. */
const SEAM_GOPS = 2;
/** Failed attempts in a row after which a run gives up. */
const MOST_FAILURES_IN_A_ROW = 50;

/** Handoffs in one lane, kills in another, at seeded random moments, on a running swarm. */
export class HandoffRun {
  private readonly handoffRandom: () => number;
  private readonly killRandom: () => number;
  private readonly origin: OriginClient;

  constructor(
    private readonly options: {
      swarm: RunningSwarm;
      client: Client;
      channels: ChannelSpec[];
      seed: number;
      log(line: string): void;
    },
  ) {
    // A lane each: how long a handoff takes must not change which encoder is killed.
    this.handoffRandom = seededRandom(options.seed);
    this.killRandom = seededRandom(options.seed + 1_000_003);
    this.origin = new OriginClient(originUrlsOf(options.swarm.environment));
  }

  /** Waits until every encoder runs and every channel has published two GOPs from now on. */
  async untilOnAir(): Promise<void> {
    const before = new Map((await this.channels()).map((c) => [c.id, c.nextGop]));
    const deadline = Date.now() + ON_AIR_LIMIT_MS;
    for (;;) {
      const now = await this.channels();
      const running = this.options.swarm.fleet.list().every((e) => e.state === 'running');
      const allOn = this.options.channels.every(({ id }) => {
        const channel = now.find((c) => c.id === id);
        return channel?.owner && channel.nextGop >= (before.get(id) ?? 0) + 2;
      });
      if (running && allOn) return;
      if (Date.now() > deadline)
        throw new Error(`not all on air after ${ON_AIR_LIMIT_MS} ms: ${JSON.stringify(now)}`);
      await sleep(200);
    }
  }

  /** Runs both lanes to their ends. `moves`: the completed handoffs. */
  async perform(
    handoffs: number,
    kills: number,
  ): Promise<{ moves: MoveResult[]; attemptsFailed: number; kills: number }> {
    const state = { moves: [] as MoveResult[], attemptsFailed: 0, kills: 0, done: false };
    const progress = setInterval(
      () =>
        this.options.log(
          `  ${state.moves.length}/${handoffs} handoffs, ${state.kills}/${kills} kills, ${state.attemptsFailed} attempts failed`,
        ),
      15_000,
    );
    try {
      await Promise.all([this.handoffLane(handoffs, state), this.killLane(kills, state)]);
    } finally {
      clearInterval(progress);
    }
    return state;
  }

  private async handoffLane(
    count: number,
    state: { moves: MoveResult[]; attemptsFailed: number },
  ): Promise<void> {
    let failuresInARow = 0;
    while (state.moves.length < count) {
      const { id } = pick(this.handoffRandom, this.options.channels);
      const owner = (await this.channel(id)).owner?.encoderId;
      const encoders = this.options.swarm.fleet.list().filter((e) => e.state === 'running' && e.id !== owner);
      if (encoders.length === 0) {
        await sleep(200);
        continue;
      }
      const toEncoderId = pick(this.handoffRandom, encoders).id;
      try {
        state.moves.push(await this.handOff(id, toEncoderId));
        failuresInARow = 0;
      } catch (error) {
        this.options.log(`  not done: ${error instanceof Error ? error.message : String(error)}`);
        // A kill met this handoff: it was refused or compensated. What viewers saw is checked at the end.
        state.attemptsFailed += 1;
        failuresInARow += 1;
        if (failuresInARow > MOST_FAILURES_IN_A_ROW) throw error;
        await sleep(300);
      }
    }
  }

  /** Moves one channel after the other to another encoder, until it is told to end; failed attempts are counted. */
  async keepMoving(signal: AbortSignal, pauseMs: number): Promise<{ moves: number; attemptsFailed: number }> {
    const state = { moves: 0, attemptsFailed: 0 };
    while (!signal.aborted) {
      await pause(pauseMs, signal);
      if (signal.aborted) break;
      try {
        const { id } = pick(this.handoffRandom, this.options.channels);
        const owner = (await this.channel(id)).owner?.encoderId;
        const encoders = this.options.swarm.fleet
          .list()
          .filter((e) => e.state === 'running' && e.id !== owner);
        await this.handOff(id, pick(this.handoffRandom, encoders).id);
        state.moves += 1;
      } catch {
        // A death met it: it was refused or compensated. What viewers saw is checked.
        state.attemptsFailed += 1;
      }
    }
    return state;
  }

  private async handOff(channelId: string, toEncoderId: string): Promise<MoveResult> {
    const request: MoveRequest = {
      requestId: randomUUID(),
      reason: 'operator',
      toEncoderId,
      requestedBy: 'bench',
      requestedAtMs: Date.now(),
    };
    const move = await Promise.race([
      this.options.client.workflow
        .getHandle(channelWorkflowId(channelId))
        .executeUpdate<MoveResult, [MoveRequest]>(channelControl.move, { args: [request] }),
      sleep(MOVE_LIMIT_MS, undefined, { ref: false }).then(() => {
        throw new Error(`handoff of ${channelId} to ${toEncoderId} took over ${MOVE_LIMIT_MS} ms`);
      }),
    ]);
    if (move.outcome !== 'completed') {
      const why = move.failure?.message ?? 'no failure was told';
      throw new Error(`handoff of ${channelId} to ${toEncoderId} ended ${move.outcome}: ${why}`);
    }
    return move;
  }

  private async killLane(count: number, state: { kills: number }): Promise<void> {
    while (state.kills < count) {
      // Mid-GOP and mid-handoff moments alike: anywhere within two GOPs.
      await sleep(Math.floor(this.killRandom() * 4_000));
      const killHost = this.killRandom() < 0.5;
      const running = this.options.swarm.fleet.list().filter((e) => e.state === 'running' && e.pid !== null);
      const loaded = running.filter((e) => childrenOf(e.pid as number).length > 0);
      if (loaded.length === 0) continue;
      const hostPid = pick(this.killRandom, loaded).pid as number;
      const ffmpegs = childrenOf(hostPid);
      process.kill(killHost || ffmpegs.length === 0 ? hostPid : pick(this.killRandom, ffmpegs), 'SIGKILL');
      state.kills += 1;
      await this.untilOnAir();
    }
  }

  /** Reads the origin's own ledger: the fence, and publish delays at planned seams and away from any. */
  async audit(moves: MoveResult[]): Promise<{
    fenceFaults: string[];
    staleTokensRefused: number;
    recoveries: number;
    delayAtSeamMs: number[];
    delaySteadyMs: number[];
    delayAllMs: number[];
  }> {
    const result = {
      fenceFaults: [] as string[],
      staleTokensRefused: 0,
      recoveries: 0,
      delayAtSeamMs: [] as number[],
      delaySteadyMs: [] as number[],
      delayAllMs: [] as number[],
    };
    const plannedSeams = new Set(moves.map((m) => `${m.channelId}/${m.firstGop}`));
    for (const channel of await this.channels()) {
      const ledger = await this.origin.ledger(channel.id, 0, channel.nextGop);
      if (ledger[0]?.gop !== 0)
        result.fenceFaults.push(`${channel.id}: the ledger does not reach back to GOP 0`);
      result.fenceFaults.push(...auditFence(channel.id, ledger));
      result.staleTokensRefused += channel.refusals['stale-token'] ?? 0;
      let sinceSeam = 0;
      ledger.forEach((entry, i) => {
        const seam = i > 0 && ledger[i - 1]?.token !== entry.token;
        sinceSeam = seam ? 0 : sinceSeam + 1;
        const planned = plannedSeams.has(`${channel.id}/${entry.gop}`);
        if (seam && !planned) result.recoveries += 1;
        if (entry.delayMs === null) return;
        if (planned) result.delayAtSeamMs.push(entry.delayMs);
        else if (sinceSeam > SEAM_GOPS) result.delaySteadyMs.push(entry.delayMs);
        result.delayAllMs.push(entry.delayMs);
      });
    }
    return result;
  }

  private channels(): Promise<OriginChannel[]> {
    return this.origin.channels();
  }

  private channel(id: string): Promise<OriginChannel> {
    return this.origin.channel(id);
  }
}
