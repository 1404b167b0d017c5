import { gopStartTicks } from '../../src/domain';
import { Packager, type TrackOfGop } from '../../src/media/packaging';

const WARM_UPS = 40;

/**
 * Processor time for the fragment of one track of a GOP, in milliseconds, over segments as the origin holds them.
 * @param segments of one rendition, with the number of their GOP
 */
export const fragmentCost = async (
  segments: readonly { gop: number; segment: Buffer }[],
  gopDurationTicks: number,
  track: TrackOfGop,
): Promise<number> => {
  const packager = new Packager({ keptBytes: 0 });
  const make = (gop: number, segment: Buffer): Promise<unknown> =>
    packager.fragment(String(gop), async () => ({
      ...{ segment, track, durationTicks: gopDurationTicks },
      startTicks: gopStartTicks(gop, gopDurationTicks),
    }));
  const [first] = segments;
  if (!first) return 0;
  // The thread starts, and its code is compiled.
  for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await make(first.gop, first.segment);
  const before = process.cpuUsage();
  for (const { gop, segment } of segments) await make(gop, segment);
  const { user, system } = process.cpuUsage(before);
  await packager.close();
  return (user + system) / 1_000 / segments.length;
};
