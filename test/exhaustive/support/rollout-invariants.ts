import { isOver } from '../../../src/domain/rollout-control';
import { builds } from './fleet-model';
import { isRollout, type World } from './world';

/** Channels that a bad build may carry at a time: of the two or three that there are, the canary's one. */
const CANARY_SHARE = 1;

/**
 * What must hold after a rollout, whatever went wrong. @returns one sentence per invariant that is broken.
 *
 * It has ended completed, rolled back or refused, or visibly waits for somebody; once it is over, every encoder runs
 * the build that it says, that build is the target, and no cordon of its is left. On the way no host was ended with
 * work on it, and a bad build never carried more than the canary's share.
 */
export const brokenRolloutInvariants = (world: World): string[] => {
  const { rollout, encoders, incidents } = world;
  if (!rollout) return [];
  const broken: string[] = [...incidents];
  const must = (holds: boolean, sentence: string): void => {
    if (!holds) broken.push(sentence);
  };
  const { run, state } = rollout;
  const { phase } = state;
  if (run.status === 'running') {
    const shown = run.attributes.get('SwarmOutcome');
    must(
      phase === 'holding' && shown === 'unresolved',
      `the rollout is ${phase}, and shows ${String(shown)}`,
    );
  } else {
    must(run.status === 'completed' && isOver(state), `the rollout ${run.status} as ${phase}`);
    const wanted = phase === 'completed' ? state.request.buildId : builds.older.buildId;
    const target = world.versions.targetBuildId;
    must(target === wanted, `the rollout is ${phase}, but the target is ${target}`);
    for (const { info, build } of encoders) {
      must(build?.buildId === wanted, `the rollout is ${phase}, but ${info.id} runs ${build?.buildId}`);
    }
    const left = Object.entries(world.cordons).map(([id, { by }]) => `${id} (by ${by})`);
    must(left.length === 0, `the rollout is ${phase}, but ${left.join(', ')} is still cordoned`);
  }
  must(mostOnBad(world) <= CANARY_SHARE, `${mostOnBad(world)} channels were on the bad build at once`);
  return broken;
};

/** Channels that had the same GOP encoded by the bad build, at most. */
const mostOnBad = ({ origin }: World): number => {
  const onBad = new Map<number, number>();
  for (const { accepted } of origin.channels.values()) {
    for (const { gop, buildId } of accepted) {
      if (buildId === builds.bad.buildId) onBad.set(gop, (onBad.get(gop) ?? 0) + 1);
    }
  }
  return Math.max(0, ...onBad.values());
};

/**
 * What must hold of builds after any history, once people have lifted their cordons and given their answers: no
 * rollout or change of build is left, nor a cordon; every encoder runs the target, unless synchronisation says why
 * it stands still; a bad build never carried more than the canary's share.
 */
export const brokenBuildInvariants = (world: World): string[] => {
  const { encoders, temporal, versions, cordons, incidents } = world;
  const broken = [...incidents];
  for (const { workflowId, status } of temporal.runs.values()) {
    if (isRollout(workflowId) && status === 'running') broken.push(`${workflowId} has not ended`);
  }
  for (const [id, { by }] of Object.entries(cordons)) broken.push(`${id} is still cordoned by ${by}`);
  const { targetBuildId, fault } = versions;
  for (const { info, build } of encoders) {
    if (build?.buildId === targetBuildId || fault) continue;
    broken.push(`${info.id} runs ${build?.buildId}, the target is ${targetBuildId}`);
  }
  if (mostOnBad(world) > CANARY_SHARE)
    broken.push(`${mostOnBad(world)} channels were on the bad build at once`);
  return broken;
};
