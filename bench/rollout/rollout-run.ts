import { setTimeout as sleep } from 'node:timers/promises';
import { anyAnswer, callJson } from '../../src/contracts/call';
import { OriginClient, type LedgerEntry } from '../../src/contracts/origin';
import {
  encoderBuildSchema,
  isOver,
  rolloutStateSchema,
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
    return `${this.swarm.environment.SWARM_API_URL}/api`;
  }

  /** Adds a build to the catalogue and probes it. */
  async addBuild(id: string, source: object): Promise<EncoderBuild> {
    const options = { method: 'POST', timeoutMs: BUILD_LIMIT_MS };
    await callJson(`${this.api}/versions`, anyAnswer, { ...options, json: { id, source } });
    const build = await callJson(`${this.api}/versions/${id}/probe`, encoderBuildSchema, {
      ...options,
      json: {},
    });
    this.log(`  ${id}: ffmpeg ${build.ffmpegVersion}, class ${build.compatibilityClass}`);
    return build;
  }

  /** @throws SwarmError that a rollout is refused with */
  async start(buildId: string, policy: Partial<RolloutPolicy>): Promise<void> {
    await callJson(`${this.api}/rollout`, anyAnswer, {
      method: 'POST',
      json: { buildId, policy },
      timeoutMs: START_LIMIT_MS,
    });
  }

  /** Goes back, if it is not over yet. Asked for until it has been heard, since whoever answers may just be down. */
  async abort(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const state = await this.state();
      if (state && (isOver(state) || state.phase === 'rolling-back')) return;
      const options = { method: 'POST', json: {}, timeoutMs: START_LIMIT_MS } as const;
      await callJson(`${this.api}/rollout/abort`, anyAnswer, options).catch(() => sleep(POLL_MS));
    }
  }

  /** State of the rollout; null while nobody answers. */
  state(): Promise<RolloutState | null> {
    return callJson(`${this.api}/rollout`, rolloutStateSchema).catch(() => null);
  }

  /** Follows the rollout to its end. @throws Error after `limitMs`, with where it stood */
  async end(limitMs: number): Promise<RolloutState> {
    const startedAtMs = Date.now();
    const deadline = startedAtMs + limitMs;
    let shown = '';
    for (;;) {
      const state = await this.state();
      const line = state ? `${state.phase}: ${state.detail}` : shown;
      if (line !== shown) this.log(`  ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s ${line}`);
      shown = line;
      if (state && isOver(state)) return state;
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
