import type { ChannelObservation, EncoderObservation, EncoderUpdate, Fitness } from '../domain';

/** The build that the cell should run. */
export interface TargetBuild {
  id: string;
  digest: string;
}

/** Whether an encoder runs something else than the target. One that tells nothing of its build can't be judged. */
export const isAdrift = (
  { buildDigest }: Pick<EncoderObservation, 'buildDigest'>,
  target: TargetBuild | null,
): boolean => target !== null && buildDigest !== undefined && buildDigest !== target.digest;

/** No session, and no channel whose owner it is. */
export const isIdle = (encoder: EncoderObservation, ownerIds: ReadonlySet<string>): boolean =>
  encoder.reachable &&
  !ownerIds.has(encoder.id) &&
  !(encoder.telemetry?.sessions ?? []).some((s) => s.state !== 'released' && s.state !== 'failed');

/**
 * Why an encoder takes no work yet: it joined, or is on standby, with the wrong build, and is synchronised first. Null
 * where it may take work; one that has work goes on with it until it is its turn.
 */
export const heldBackReason = (
  encoder: EncoderObservation,
  ownerIds: ReadonlySet<string>,
  target: TargetBuild | null,
): string | null =>
  target !== null && isAdrift(encoder, target) && isIdle(encoder, ownerIds)
    ? `runs ${runningOn(encoder)}, and takes no work before it runs ${target.id}`
    : null;

const runningOn = ({ buildId, buildDigest }: EncoderObservation): string =>
  buildId ?? `an unknown build (${buildDigest?.slice(0, 12)})`;

/** It runs the very build that a channel on it is pinned to. */
const isPinned = (encoder: EncoderObservation, channels: readonly ChannelObservation[]): boolean =>
  encoder.buildId !== undefined &&
  channels.some((c) => c.owner?.encoderId === encoder.id && c.spec.placement?.buildId === encoder.buildId);

/**
 * Encoders to bring to the target, in this order: those without work first, since nothing has to move; then the least
 * fit; equal ones by id. Left out: those that do not answer, those that somebody has cordoned, and those that run the
 * build that a channel on them is pinned to.
 * @param snapshot as observed; the order of its arrays does not matter
 */
export const planUpdates = (
  snapshot: { encoders: readonly EncoderObservation[]; channels: readonly ChannelObservation[] },
  fitness: readonly Fitness[],
  target: TargetBuild | null,
): EncoderUpdate[] => {
  if (target === null) return [];
  const { encoders, channels } = snapshot;
  const ownerIds = new Set(channels.flatMap((c) => c.owner?.encoderId ?? []));
  const scoreOf = new Map(fitness.map((f) => [f.encoderId, f.score]));
  return encoders
    .filter((e) => e.reachable && !e.cordoned && isAdrift(e, target) && !isPinned(e, channels))
    .map((e): EncoderUpdate => {
      const runs = runningOn(e);
      const score = scoreOf.get(e.id) ?? null;
      const idle = isIdle(e, ownerIds);
      const standing = idle
        ? 'it has no work, and gets none before'
        : `fitness ${score === null ? 'unknown' : score.toFixed(2)}`;
      return {
        encoderId: e.id,
        buildId: target.id,
        runs,
        isIdle: idle,
        fitness: score,
        why: `${e.id} runs ${runs}, not ${target.id}: ${standing}`,
      };
    })
    .sort(
      (a, b) =>
        Number(b.isIdle) - Number(a.isIdle) ||
        (a.fitness ?? 0) - (b.fitness ?? 0) ||
        (a.encoderId < b.encoderId ? -1 : 1),
    );
};
