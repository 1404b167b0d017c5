import type { EncoderObservation, Policy } from '../domain';

/** What is known of the build that an encoder runs. */
export type RunningVersion = Pick<EncoderObservation, 'buildDigest' | 'buildId' | 'compatibilityClass'>;

/** Whether an encoder may go on where another one stopped. */
export type TakeOver =
  | {
      ok: true;
      /** A player has to start its decoder anew at the seam, so it must be declared (EXT-X-DISCONTINUITY). */
      discontinuity: boolean;
    }
  | { ok: false; code: 'encoder-incompatible'; why: string };

const nameOf = (version: RunningVersion): string =>
  version.buildId ??
  (version.buildDigest ? `an unknown build (${version.buildDigest.slice(0, 12)})` : 'an unknown build');

const classOf = (version: RunningVersion): string =>
  version.compatibilityClass ? `class ${version.compatibilityClass}` : 'not probed';

/**
 * May `to` take a channel over from `from`, in a handoff? Seamlessly where both run the same executable or
 * builds of one measured class, and where neither was ever measured: then nothing is known against it, and
 * the origin still compares the parameter sets. Between classes, and between a measured build and one that is
 * not, only where the policy allows a discontinuity, which is then declared.
 *
 * A recovery does not ask: being on air is worth a discontinuity.
 */
export const canTakeOver = (
  from: RunningVersion,
  to: RunningVersion,
  policy: Pick<Policy, 'allowDiscontinuity'>,
): TakeOver => {
  const sameBuild = from.buildDigest !== undefined && from.buildDigest === to.buildDigest;
  if (sameBuild || from.compatibilityClass === to.compatibilityClass)
    return { ok: true, discontinuity: false };
  if (policy.allowDiscontinuity) return { ok: true, discontinuity: true };
  return {
    ok: false,
    code: 'encoder-incompatible',
    why:
      `runs ${nameOf(to)} (${classOf(to)}), the channel comes from ${nameOf(from)} (${classOf(from)}), ` +
      'and the policy allows no discontinuity',
  };
};
