import { isOver } from '../../../src/domain/rollout';
import { builds } from './fleet-model';
import type { World } from './world';

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
  const { rollout, encoders, origin, incidents } = world;
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
  const onBad = new Map<number, number>();
  for (const { accepted } of origin.channels.values()) {
    for (const { gop, buildId } of accepted) {
      if (buildId === builds.bad.buildId) onBad.set(gop, (onBad.get(gop) ?? 0) + 1);
    }
  }
  const most = Math.max(0, ...onBad.values());
  must(most <= CANARY_SHARE, `${most} channels were on the bad build at once`);
  return broken;
};
