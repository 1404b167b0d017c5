import { setTimeout as sleep } from 'node:timers/promises';
import {
  SwarmError,
  rolloutRequestSchema,
  synchroniseWorkflowId,
  versionsControl,
  versionsWorkflowId,
  type Evidence,
  type InstalledBuild,
  type RolloutPolicy,
  type RolloutRequest,
  type SetTargetRequest,
  type SwarmContext,
  type Verdict,
} from '../../src/domain';
import { GopQuality } from '../../src/media/quality';
import { BuildComparer } from '../../src/observation/build-comparer';
import { deadlinesMs } from '../../src/observation/deadlines';
import { valueOf } from '../../src/observation/kept-reading';
import { withPin } from '../../src/observation/versions-view';
import { parseOrRefuse } from '../../src/platform/http';
import { retried } from '../../src/platform/retry';
import { judgeBuild } from '../../src/versions';
import { planRollout, type RolloutPlan } from '../../src/versions';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats, withProgress } from '../kit/heartbeat';

const BUILD_CHECK_EVERY_MS = 250;
const BUILD_WITHIN_MS = 60_000;
/** Soaks whose last look is remembered. */
const COMPARERS_KEPT = 8;

export interface CompareBuildsRequest {
  /** Names one soak: losses are found by comparing two looks of the same soak. */
  soakId: string;
  build: InstalledBuild;
  /** What the new build is measured against, GOP by GOP. */
  reference: InstalledBuild;
  policy: RolloutPolicy;
  evidence: Evidence;
  /** How long to compare, unless a verdict comes before. */
  seconds: number;
  /** Whether a good build ends it too, or only one that is worse. */
  untilGood: boolean;
}

/** @throws SwarmError conflict while an encoder is being brought to the target: two must not change one build. */
const requireNoSynchronisation = (cell: string, { cordons }: Pick<SwarmContext, 'cordons'>): void => {
  const [encoderId] = Object.keys(cordons).filter((id) => cordons[id]?.by === synchroniseWorkflowId(cell));
  if (encoderId === undefined) return;
  throw new SwarmError(
    'conflict',
    `${encoderId} is just being brought to the target build.`,
    'Ask again when it is done (encoder-swarm version list), or set no target: encoder-swarm version target none.',
  );
};

type Needs = Pick<
  Dependencies,
  | ('cell' | 'origin' | 'relay' | 'encoders' | 'temporal' | 'versions' | 'ffmpegPath')
  | ('fitness' | 'probe' | 'readings' | 'swarm' | 'telemetry')
>;

/** One comparer for each soak, made at its first comparison; those of the latest soaks are kept. */
const comparersOf = (needs: Needs): ((request: CompareBuildsRequest) => BuildComparer) => {
  const { origin, relay, ffmpegPath, temporal, probe, readings } = needs;
  const quality = new GopQuality({ origin, relay, ffmpegPath });
  const comparers = new Map<string, BuildComparer>();
  return ({ soakId, build, reference, policy }) => {
    const comparer =
      comparers.get(soakId) ??
      new BuildComparer({ probe, readings, relay, quality, temporal, build, reference, policy });
    comparers.set(soakId, comparer);
    const [oldest] = comparers.keys();
    if (comparers.size > COMPARERS_KEPT && oldest !== undefined) comparers.delete(oldest);
    return comparer;
  };
};

/** Reads what a rollout is planned from, and plans it. */
const planFor = (needs: Needs) => {
  const { cell, encoders, probe, readings, telemetry, versions } = needs;
  return async (given: RolloutRequest): Promise<RolloutPlan> => {
    const request = parseOrRefuse(rolloutRequestSchema, given, 'rollout');
    const swarm = await needs.swarm.state();
    requireNoSynchronisation(cell, swarm);
    await Promise.all([encoders.refresh(), telemetry.refreshTroubles(Date.now())]);
    const [observed, channels, catalogue, fitness] = await Promise.all([
      probe.observe(swarm.cordons, telemetry.troublesOf, { deadlineMs: deadlinesMs.observe, fresh: true }),
      readings.origin.now({ deadlineMs: deadlinesMs.owners }).then(valueOf),
      versions.read({ isCurrent: true }),
      needs.fitness.of(swarm.lastCycle),
    ]);
    const owners = new Map(
      channels.flatMap(({ id, owner }) => (owner ? [[id, owner.encoderId] as const] : [])),
    );
    const pinned = swarm.channels.map((spec) => withPin(spec, catalogue));
    return planRollout({
      request,
      builds: catalogue.builds,
      encoders: observed,
      swarm: { ...swarm, channels: pinned },
      owners,
      // Where the store is away: of those that the record of the cycle carries.
      fitness: fitness.value ?? [],
    });
  };
};

/** Waits until an encoder says that it runs a build. @throws SwarmError encoder-unreachable */
const awaitBuild = async (
  { encoders }: Pick<Needs, 'encoders'>,
  { encoderId, digest }: { encoderId: string; digest: string },
  signal: AbortSignal,
): Promise<{ atMs: number }> => {
  let runs = 'nothing';
  const look = async (): Promise<{ atMs: number }> => {
    const client = await encoders.client(encoderId);
    const info = await client.describe({ deadlineMs: deadlinesMs.observe, signal }).catch(() => null);
    if (info?.buildDigest === digest) return { atMs: Date.now() };
    runs = info?.buildDigest ?? runs;
    throw new SwarmError(
      'encoder-unreachable',
      `Encoder ${encoderId} did not come up with build ${digest.slice(0, 12)}…; it reported ${runs}.`,
      'Look at the log of this encoder.',
    );
  };
  return retried(look, {
    ...{
      firstMs: BUILD_CHECK_EVERY_MS,
      longestMs: BUILD_CHECK_EVERY_MS,
      patienceMs: BUILD_WITHIN_MS,
      signal,
    },
    isTransient: (error) => error instanceof SwarmError && error.code === 'encoder-unreachable',
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
};

/** Activities of a rollout, beside those that change one encoder. */
export const rolloutActivities = (needs: Needs) => {
  const { cell, encoders, temporal } = needs;
  const comparerOf = comparersOf(needs);
  const plan = planFor(needs);

  return {
    /** @throws SwarmError bad-request; what planRollout refuses */
    planRollout: ({ request }: { cell: string; request: RolloutRequest }): Promise<RolloutPlan> =>
      withHeartbeats(() => plan(request)),

    /** @throws SwarmError encoder-unreachable */
    awaitBuild: (request: { encoderId: string; digest: string }): Promise<{ atMs: number }> =>
      withHeartbeats((signal) => awaitBuild({ encoders }, request, signal)),

    /** What every encoder of the cell should run from now on. @throws SwarmError not-found, conflict */
    async setTargetBuild(request: SetTargetRequest): Promise<void> {
      await temporal()
        .workflow.getHandle(versionsWorkflowId(cell))
        .executeUpdate<void, [SetTargetRequest]>(versionsControl.setTarget, { args: [request] });
    },

    /** Compares the builds every few seconds. */
    compareBuilds: (request: CompareBuildsRequest): Promise<{ evidence: Evidence; verdict: Verdict }> =>
      withProgress(request.evidence, async (report, signal, seen) => {
        const { policy, seconds, untilGood } = request;
        const comparer = comparerOf(request);
        const everyMs = policy.compareSeconds * 1_000;
        const endsAtMs = Date.now() + seconds * 1_000;
        let evidence = seen;
        let verdict: Verdict;
        do {
          await sleep(everyMs, undefined, { signal });
          evidence = await comparer.compare(evidence, signal);
          report(evidence);
          verdict = judgeBuild(evidence, policy, Date.now());
          if (verdict.outcome === 'worse' || (verdict.outcome === 'good' && untilGood)) break;
        } while (Date.now() + everyMs <= endsAtMs);
        return { evidence, verdict };
      }),
  };
};
