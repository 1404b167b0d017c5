import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import {
  SwarmError,
  rolloutRequestSchema,
  swarmControl,
  swarmWorkflowId,
  synchroniseWorkflowId,
  versionsControl,
  versionsWorkflowId,
  type Evidence,
  type InstalledBuild,
  type RolloutPolicy,
  type RolloutRequest,
  type SetTargetRequest,
  type SwarmWorkflowState,
  type Verdict,
} from '../../src/domain';
import { parseOrRefuse } from '../../src/platform/http';
import { judge } from '../../src/versions';
import { BuildComparer } from './build-comparer';
import type { Dependencies } from '../kit/dependencies';
import { EncoderProbe } from '../../src/observation/encoder-probe';
import { GopQuality } from './gop-quality';
import { withHeartbeats } from '../kit/heartbeat';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import { planRollout, type RolloutPlan } from '../../src/versions';
import { TelemetryView } from '../../src/observation/telemetry-view';
import { withPin } from '../../src/observation/versions-view';

const HEARTBEAT_EVERY_MS = 800;
const LOOK_DEADLINE_MS = 1_000;
const ORIGIN_TIMEOUT_MS = 2_000;
const BUILD_CHECK_EVERY_MS = 250;
const BUILD_WITHIN_MS = 60_000;
/** Soaks whose last look is remembered. */
const COMPARERS_KEPT = 8;

export interface CompareBuildsRequest {
  /** Names one soak: what was lost is told from one look to the next of the same soak. */
  soakId: string;
  build: InstalledBuild;
  /** What the new build is measured against, GOP by GOP. */
  reference: InstalledBuild;
  policy: RolloutPolicy;
  evidence: Evidence;
  /** For so long, unless a verdict comes before. */
  seconds: number;
  /** Whether a good build ends it too, or only one that is worse. */
  untilGood: boolean;
}

/** @throws SwarmError conflict while an encoder is being brought to the target: two must not change one build. */
const requireNoSynchronisation = (cell: string, { cordons }: SwarmWorkflowState): void => {
  const [encoderId] = Object.keys(cordons).filter((id) => cordons[id]?.by === synchroniseWorkflowId(cell));
  if (encoderId === undefined) return;
  throw new SwarmError(
    'conflict',
    `${encoderId} is just being brought to the target build.`,
    'Ask again when it is done (encoder-swarm version list), or set no target: encoder-swarm version target none.',
  );
};

/** Activities of a rollout, beside those that change one encoder. */
export const rolloutActivities = (dependencies: Dependencies) => {
  const { cell, originUrl, relayUrl, encoders, store, temporal, versions, ffmpegPath } = dependencies;
  const origin = new OriginClient(originUrl);
  const relay = new RelayClient(relayUrl);
  const probe = new EncoderProbe(encoders);
  const telemetry = new TelemetryView(cell, store);
  const quality = new GopQuality({ origin, relay, ffmpegPath });
  const comparers = new Map<string, BuildComparer>();

  const comparerOf = ({ soakId, build, reference, policy }: CompareBuildsRequest): BuildComparer => {
    const comparer =
      comparers.get(soakId) ??
      new BuildComparer({ probe, origin, relay, quality, temporal, build, reference, policy });
    comparers.set(soakId, comparer);
    const [oldest] = comparers.keys();
    if (comparers.size > COMPARERS_KEPT && oldest !== undefined) comparers.delete(oldest);
    return comparer;
  };

  return {
    /** @throws SwarmError bad-request; what planRollout refuses */
    planRollout: (given: { cell: string; request: RolloutRequest }): Promise<RolloutPlan> =>
      withHeartbeats(async () => {
        const request = parseOrRefuse(rolloutRequestSchema, given.request, 'rollout');
        const swarm = await temporal()
          .workflow.getHandle(swarmWorkflowId(cell))
          .query<SwarmWorkflowState>(swarmControl.state);
        requireNoSynchronisation(cell, swarm);
        await Promise.all([encoders.refresh(), telemetry.refreshTroubles(Date.now())]);
        const [observed, channels, catalogue] = await Promise.all([
          probe.observe(swarm.cordons, telemetry.troublesOf, { deadlineMs: LOOK_DEADLINE_MS, fresh: true }),
          origin.channels({ timeoutMs: ORIGIN_TIMEOUT_MS }),
          versions.read(),
        ]);
        const owners = new Map(
          channels.flatMap(({ id, owner }) => (owner ? [[id, owner.encoderId] as const] : [])),
        );
        const channelSpecs = swarm.channels.map((spec) => withPin(spec, catalogue));
        return planRollout({
          request,
          builds: catalogue.builds,
          encoders: observed,
          swarm: { ...swarm, channels: channelSpecs },
          owners,
        });
      }),

    /** Waits until an encoder says that it runs a build. @throws SwarmError encoder-unreachable */
    awaitBuild: (request: { encoderId: string; digest: string }): Promise<{ atMs: number }> =>
      withHeartbeats(async (signal) => {
        const { encoderId, digest } = request;
        const startedAtMs = Date.now();
        let said = 'nothing';
        while (Date.now() - startedAtMs < BUILD_WITHIN_MS) {
          signal.throwIfAborted();
          const client = await encoders.client(encoderId);
          const info = await client.describe({ deadlineMs: LOOK_DEADLINE_MS, signal }).catch(() => null);
          if (info?.buildDigest === digest) return { atMs: Date.now() };
          said = info?.buildDigest ?? said;
          await sleep(BUILD_CHECK_EVERY_MS);
        }
        throw new SwarmError(
          'encoder-unreachable',
          `Encoder ${encoderId} did not come up with build ${digest.slice(0, 12)}…; it said ${said}.`,
          'Look at the log of this encoder.',
        );
      }),

    /** What every encoder of the cell should run from now on. @throws SwarmError not-found, conflict */
    async setTargetBuild(request: SetTargetRequest): Promise<void> {
      await temporal()
        .workflow.getHandle(versionsWorkflowId(cell))
        .executeUpdate<void, [SetTargetRequest]>(versionsControl.setTarget, { args: [request] });
    },

    /**
     * Compares the builds every few seconds. The evidence goes out with each heartbeat, so that another worker goes on
     * where this one was lost.
     */
    async compareBuilds(request: CompareBuildsRequest): Promise<{ evidence: Evidence; verdict: Verdict }> {
      const { policy, seconds, untilGood } = request;
      const signal = cancellationSignal();
      const comparer = comparerOf(request);
      const endsAtMs = Date.now() + seconds * 1000;
      let evidence = (activityInfo().heartbeatDetails as Evidence | undefined) ?? request.evidence;
      let verdict: Verdict;
      const timer = setInterval(() => heartbeat(evidence), HEARTBEAT_EVERY_MS);
      try {
        do {
          await sleep(policy.compareSeconds * 1000, undefined, { signal });
          evidence = await comparer.compare(evidence, signal);
          heartbeat(evidence);
          verdict = judge(evidence, policy, Date.now());
          if (verdict.outcome === 'worse' || (verdict.outcome === 'good' && untilGood)) break;
        } while (Date.now() + policy.compareSeconds * 1000 <= endsAtMs);
      } finally {
        clearInterval(timer);
      }
      return { evidence, verdict };
    },
  };
};
