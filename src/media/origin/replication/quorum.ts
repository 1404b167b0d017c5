import type { ReplicaState } from '../../../contracts/origin-replica';
import { SwarmError } from '../../../domain';

/** Another origin leads the channel by now: whatever was being done begins anew. */
export class LeadLost extends Error {
  constructor() {
    super('Another origin leads this channel.');
  }
}

/** So many of `origins` are a majority. */
export const majorityOf = (origins: number): number => Math.floor(origins / 2) + 1;

/**
 * Of copies whose origins have promised the same epoch, the one that has all that was ever acknowledged: it followed the
 * highest epoch, and among those its log is the longest.
 */
export const completest = <T extends Pick<ReplicaState, 'followed' | 'endGop'>>(copies: readonly T[]): T =>
  copies.reduce((best, copy) => {
    const further =
      copy.followed === best.followed
        ? (copy.endGop ?? -1) > (best.endGop ?? -1)
        : copy.followed > best.followed;
    return further ? copy : best;
  });

/**
 * Asks all at once and resolves as soon as enough have answered what counts.
 * @param options.endsWhereLost the first LeadLost ends it, whatever others may answer: one that hangs is not waited for
 * @throws LeadLost where an answer was that; else SwarmError unavailable once too few can come
 */
export const enoughOf = <P, A>(
  peers: readonly P[],
  needed: number,
  ask: (peer: P) => Promise<A>,
  counts: (answer: A) => boolean,
  { endsWhereLost = false } = {},
): Promise<{ peer: P; answer: A }[]> =>
  new Promise((resolve, reject) => {
    const counted: { peer: P; answer: A }[] = [];
    const failures: unknown[] = [];
    let open = peers.length;
    const look = (): void => {
      if (counted.length >= needed) resolve([...counted]);
      else if (open === 0)
        reject(failures.find((f) => f instanceof LeadLost) ?? tooFew(counted.length, needed, failures));
    };
    look();
    for (const peer of peers) {
      void ask(peer)
        .then(
          (answer) => {
            if (counts(answer)) counted.push({ peer, answer });
          },
          (error: unknown) => {
            failures.push(error);
            if (endsWhereLost && error instanceof LeadLost) reject(error);
          },
        )
        .finally(() => {
          open -= 1;
          look();
        });
    }
  });

const tooFew = (counted: number, needed: number, failures: readonly unknown[]): SwarmError => {
  const why = failures.map((failure) => (failure as Error).message).join(' ');
  return new SwarmError(
    'unavailable',
    `Of the other origins ${counted} can take part, and ${needed} must. ${why}`.trim(),
    'Start the origins that are away; one whose disk was lost counts once it is filled again.',
  );
};
