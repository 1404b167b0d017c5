import type { EncoderObservation, Policy } from '../domain';

/** What is known of the build that an encoder runs. */
export type RunningVersion = Pick<EncoderObservation, 'buildDigest' | 'buildId' | 'compatibilityClass'>;

/** Whether an encoder may go on where another one stopped. */
export type TakeOver =
  | {
      ok: true;
      /** A player has to restart its decoder at the seam, so it must be declared (EXT-X-DISCONTINUITY). */
      discontinuity: boolean;
    }
  | { ok: false; code: 'encoder-incompatible'; why: string };

const nameOf = (version: RunningVersion): string =>
  version.buildId ??
  (version.buildDigest ? `an unknown build (${version.buildDigest.slice(0, 12)})` : 'an unknown build');

const classOf = (version: RunningVersion): string =>
  version.compatibilityClass ? `class ${version.compatibilityClass}` : 'not probed';

/**
 * Encoders whose word is the same may follow each other without a seam: builds of one measured class, else the same
 * executable. For those who compare many encoders.
 */
export const seamWordOf = ({ compatibilityClass, buildDigest }: RunningVersion): string =>
  compatibilityClass !== undefined ? `class ${compatibilityClass}` : `digest ${buildDigest ?? 'unknown'}`;

/**
 * May `to` take a channel over from `from`, in a handoff? Seamlessly within a measured class, and where both run the
 * same executable. Otherwise only where the policy allows a discontinuity, which is then declared: what was not
 * measured is not assumed.
 *
 * A recovery does not ask: being on air is worth a discontinuity.
 */
export const canTakeOver = (
  from: RunningVersion,
  to: RunningVersion,
  policy: Pick<Policy, 'allowDiscontinuity'>,
): TakeOver => {
  if (seamWordOf(from) === seamWordOf(to)) return { ok: true, discontinuity: false };
  if (policy.allowDiscontinuity) return { ok: true, discontinuity: true };
  return {
    ok: false,
    code: 'encoder-incompatible',
    why:
      `runs ${nameOf(to)} (${classOf(to)}), the channel comes from ${nameOf(from)} (${classOf(from)}), ` +
      'and the policy allows no discontinuity',
  };
};
