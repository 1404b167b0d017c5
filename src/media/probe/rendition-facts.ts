import { createHash } from 'node:crypto';
import { SwarmError, type RenditionFacts } from '../../domain';
import type { EncodedGop } from '../encoder/types';
import { TransportStreamReader, inspectSegment, type PesUnit } from '../mpegts';
import { parseSequenceParameters } from '../origin/h264-sps';
import { readParameterSets } from '../origin/segment-format';
import { readVideoUsability } from './h264-usability';
import { PROBE_FIRST_GOP, PROBE_GOPS } from './probe-cases';
import type { ReferenceClip } from './reference-clip';

const NAL_SPS = 7;

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const unitsOf = (segment: Buffer): PesUnit[] => {
  const units: PesUnit[] = [];
  const reader = new TransportStreamReader({ onUnit: (unit) => units.push(unit) });
  reader.push(segment);
  reader.flush();
  return units;
};

const formatOf = (
  segment: Buffer,
): Pick<
  RenditionFacts,
  'codec' | 'pictureSize' | 'colour' | 'sampleAspect' | 'timing' | 'reorderFrames' | 'parameterSets'
> => {
  const sets = readParameterSets(segment);
  const sps = sets.find((set) => (set[0]! & 31) === NAL_SPS);
  if (!sps) throw new RangeError('a GOP does not begin with its parameter sets');
  const { codec, widthPx, heightPx } = parseSequenceParameters(sps);
  return {
    codec,
    pictureSize: `${widthPx}x${heightPx}`,
    ...readVideoUsability(sps),
    parameterSets: shortHash(sets.map((set) => set.toString('hex')).join()),
  };
};

const timesOf = (gops: PesUnit[][], of: (unit: PesUnit) => number[], kind: PesUnit['kind']): string =>
  shortHash(
    gops
      .map((units) =>
        units
          .filter((u) => u.kind === kind)
          .flatMap(of)
          .join(),
      )
      .join(';'),
  );

const streamsOf = (units: PesUnit[]): string =>
  [...new Set(units.map((u) => `${u.kind} ${u.pid} type ${u.streamType}`))].sort().join(', ');

const factsOf = (clip: ReferenceClip, rendition: string, segments: Buffer[]): RenditionFacts => {
  const formats = segments.map(formatOf);
  if (new Set(formats.map((f) => JSON.stringify(f))).size > 1) {
    throw new RangeError('its parameter sets change from GOP to GOP');
  }
  segments.forEach((segment, index) => {
    const { videoPtsTicks, beginsWithIdr } = inspectSegment(segment);
    const gop = PROBE_FIRST_GOP + index;
    if (!beginsWithIdr) throw new RangeError(`GOP ${gop} does not begin with an IDR picture`);
    if (videoPtsTicks.join() !== clip.ptsTicks[index]?.join()) {
      throw new RangeError(`GOP ${gop} does not hold the frames of the contribution`);
    }
  });
  const gops = segments.map(unitsOf);
  return {
    case: clip.probeCase.name,
    rendition,
    ...formats[0]!,
    pictureTimes: timesOf(gops, (u) => [u.ptsTicks, u.dtsTicks], 'video'),
    audioTimes: timesOf(gops, (u) => [u.ptsTicks], 'audio'),
    streams: streamsOf(gops.flat()),
  };
};

/**
 * Reads what a build made of a clip.
 * @throws SwarmError encoder-incompatible when the origin would refuse it: other frames than the contribution's,
 * GOPs that do not begin with an IDR picture and its parameter sets, or parameter sets that change
 */
export const renditionFacts = (clip: ReferenceClip, encoded: readonly EncodedGop[]): RenditionFacts[] => {
  const { name, renditions } = clip.probeCase;
  const gops = [...encoded].sort((a, b) => a.gop - b.gop);
  return renditions.map((rendition) => {
    const segments = gops.flatMap((g) => g.segments.find((s) => s.name === rendition.name)?.segment ?? []);
    try {
      if (segments.length !== PROBE_GOPS)
        throw new RangeError(`${segments.length} of ${PROBE_GOPS} GOPs came`);
      return factsOf(clip, rendition.name, segments);
    } catch (error) {
      throw new SwarmError(
        'encoder-incompatible',
        `${name}, rendition ${rendition.name}: ${(error as Error).message}.`,
        'This build can not be used for sessions.',
      );
    }
  });
};
