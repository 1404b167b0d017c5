import { setTimeout as sleep } from 'node:timers/promises';
import { operations } from '../../src/contracts/api';
import { callApi } from '../../src/contracts/api/client';
import { OriginClient, type LedgerEntry } from '../../src/contracts/origin';
import {
  isOver,
  type BuildSource,
  type EncoderBuild,
  type RolloutPolicy,
  type RolloutState,
} from '../../src/domain';
import type { RunningSwarm } from '../../src/launch/swarm';

const POLL_MS = 500;
/** Fetching and probing a build. */
const BUILD_LIMIT_MS = 300_000;
const START_LIMIT_MS = 60_000;

/** Drives rollouts over the API of a running swarm, as an operator would. */
export class RolloutRun {
  constructor(
    private readonly swarm: RunningSwarm,
    private readonly log: (line: string) => void,
  ) {}

  private get api(): string {
    return this.swarm.environment.SWARM_API_URL;
  }

  /** Adds a build to the catalogue and probes it. */
  async addBuild(id: string, source: BuildSource): Promise<EncoderBuild> {
    const deadline = { timeoutMs: BUILD_LIMIT_MS };
    await callApi(this.api, operations.addBuild, { body: { id, source } }, deadline);
    const build = await callApi(this.api, operations.probeBuild, { params: { id } }, deadline);
    this.log(`  ${id}: ffmpeg ${build.ffmpegVersion}, class ${build.compatibilityClass}`);
    return build;
  }

  /** @throws SwarmError that a rollout is refused with */
  async start(buildId: string, policy: Partial<RolloutPolicy>): Promise<void> {
    const body = { buildId, policy };
    await callApi(this.api, operations.startRollout, { body }, { timeoutMs: START_LIMIT_MS });
  }

  /** Goes back, if it is not over yet. Asked for until it is answered, as the part that answers may just be down. */
  async abort(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const state = await this.state();
      if (state && (isOver(state) || state.phase === 'rolling-back')) return;
      const deadline = { timeoutMs: START_LIMIT_MS };
      await callApi(this.api, operations.abortRollout, {}, deadline).catch(() => sleep(POLL_MS));
    }
  }

  /** State of the rollout; null while nobody answers. */
  state(): Promise<RolloutState | null> {
    return callApi(this.api, operations.getRollout, {}).catch(() => null);
  }

  /** Answers a rollout that holds. Where nobody takes the answer, it goes on to hold. */
  private async goBack(): Promise<void> {
    const body = { decision: 'roll-back' as const };
    const deadline = { timeoutMs: START_LIMIT_MS };
    await callApi(this.api, operations.decideRollout, { body }, deadline).catch(() => undefined);
  }

  /**
   * Follows the rollout to its end.
   * @param options.goesBackFromHold answers one that holds, as an operator would
   * @throws Error after `limitMs`, with where it stood
   */
  async end(limitMs: number, { goesBackFromHold = false } = {}): Promise<RolloutState> {
    const startedAtMs = Date.now();
    const deadline = startedAtMs + limitMs;
    let shown = '';
    for (;;) {
      const state = await this.state();
      const line = state ? `${state.phase}: ${state.detail}` : shown;
      if (line !== shown) this.log(`  ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s ${line}`);
      shown = line;
      if (state && isOver(state)) return state;
      if (goesBackFromHold && state?.phase === 'holding') await this.goBack();
      if (Date.now() > deadline) throw new Error(`not over after ${limitMs / 1000} s: ${shown}`);
      await sleep(POLL_MS);
    }
  }

  /** What the origin published of a channel. */
  async ledger(channelId: string): Promise<LedgerEntry[]> {
    const origin = new OriginClient(this.swarm.environment.SWARM_ORIGIN_URL);
    const { nextGop } = await origin.channel(channelId);
    return origin.ledger(channelId, 0, nextGop);
  }
}
