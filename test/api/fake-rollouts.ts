import type { RolloutsPort } from '../../src/api/rollouts-port';
import { SwarmError, noEvidence, rolloutPolicySchema, type RolloutState } from '../../src/domain';
import { judgeBuild } from '../../src/versions/verdict';
import { fakeDigest } from './fake-digest';

const build = (buildId: string) => ({
  buildId,
  executablePath: `/builds/${buildId}`,
  digest: fakeDigest(buildId),
});

/** A rollout in memory behind the API's port. */
export class FakeRollouts {
  state: RolloutState | null = null;
  readonly asked: string[] = [];

  /** As if it had been started, and watched its canary for a while. */
  run(buildId = 'newer', more: Partial<RolloutState> = {}): RolloutState {
    const evidence = noEvidence();
    evidence.quality = { comparisons: 8, worse: 1, newSum: 120, oldSum: 124 };
    evidence.speed = { comparisons: 16, worse: 0, newSum: 15.8, oldSum: 15.9 };
    this.state = {
      cell: 'local',
      workflowId: 'rollout/local',
      runId: 'run-1',
      request: {
        buildId,
        requestId: 'r-1',
        requestedBy: 'operator',
        policy: rolloutPolicySchema.parse({}),
      },
      build: build(buildId),
      phase: 'soaking',
      paused: false,
      encoders: ['enc-1', 'enc-2', 'enc-3'].map((encoderId, i) => ({
        encoderId,
        zone: i === 1 ? 'b' : 'a',
        wave: i === 0 ? 'canary' : 'rest',
        from: build('older'),
        status: i === 0 ? 'upgraded' : 'waiting',
      })),
      skipped: [{ encoderId: 'enc-4', why: 'does not answer' }],
      canaryChannels: ['ch-1'],
      movesAtOnce: 1,
      spareUnits: 2.1,
      evidence,
      verdict: judgeBuild(evidence, rolloutPolicySchema.parse({}), Date.now()),
      failure: null,
      startedAtMs: Date.now() - 60_000,
      canaryAtMs: Date.now() - 30_000,
      rollbackAtMs: null,
      finishedAtMs: null,
      detail: 'watches enc-1',
      ...more,
    };
    return this.state;
  }

  port(ask: <T>(answer: () => T) => Promise<T>): RolloutsPort {
    const running = (): RolloutState => {
      if (this.state) return this.state;
      throw new SwarmError('conflict', 'No rollout is under way.', 'See encoder-swarm rollout status.');
    };
    return {
      state: () => ask(() => this.state),
      start: (request) =>
        ask(() => {
          if (this.state) throw new SwarmError('conflict', 'A rollout of newer is under way.', 'Wait.');
          if (request.buildId === 'nothing')
            throw new SwarmError('not-found', 'The catalogue has no build nothing.', 'Add it.');
          return this.run(request.buildId, { request });
        }),
      command: (name) =>
        ask(() => {
          const state = running();
          this.asked.push(name);
          if (name === 'abort') Object.assign(state, { phase: 'rolling-back' });
          else state.paused = name === 'pause';
        }),
      decide: ({ decision }) =>
        ask(() => {
          if (running().phase !== 'holding') throw new SwarmError('conflict', 'It does not hold.', 'Wait.');
          this.asked.push(decision);
          running().phase = 'soaking';
        }),
    };
  }
}
