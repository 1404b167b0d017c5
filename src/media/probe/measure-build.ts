import { createHash } from 'node:crypto';
import { TICKS_PER_SECOND, type BuildProbe } from '../../domain';
import { compatibilityClassOf } from '../../versions';
import type { FfmpegCapabilities } from '../encoder/ffmpeg-capabilities';
import { encodeClip, type ClipEncode } from './encode-clip';
import { PROBE_GOPS, type ProbeCase } from './probe-cases';
import { makeReferenceClip, type ReferenceClip } from './reference-clip';
import { renditionFacts } from './rendition-facts';

/** Each case takes a second on an idle machine. */
export const CASE_LIMIT_MS = 20_000;

export interface MeasuredBuild extends BuildProbe {
  compatibilityClass: string;
}

/** What an encode of a clip says of the build that made it. @throws SwarmError encoder-incompatible */
export const readEncode = (clip: ReferenceClip, { gops, wallMs }: ClipEncode): BuildProbe => ({
  facts: renditionFacts(clip, gops),
  realTimeRatio: (PROBE_GOPS * clip.probeCase.gopDurationTicks * 1_000) / TICKS_PER_SECOND / wallMs,
});

/** Measures a build in one case. @throws SwarmError encoder-incompatible, unavailable (no clip) */
export const measureCase = async (
  ffmpeg: FfmpegCapabilities,
  probeCase: ProbeCase,
  measure: { clipFfmpegPath: string; signal?: AbortSignal },
): Promise<BuildProbe> => {
  const clip = await makeReferenceClip(measure.clipFfmpegPath, probeCase, measure.signal);
  const options = { limitMs: CASE_LIMIT_MS, ...(measure.signal && { signal: measure.signal }) };
  return readEncode(clip, await encodeClip(clip, ffmpeg, options));
};

/** Puts the cases together, and derives the class. */
export const combineCases = (cases: readonly BuildProbe[]): MeasuredBuild => {
  const facts = cases.flatMap((c) => c.facts);
  return {
    facts,
    realTimeRatio: Math.min(...cases.map((c) => c.realTimeRatio)),
    compatibilityClass: compatibilityClassOf(facts, (text) =>
      createHash('sha256').update(text).digest('hex'),
    ),
  };
};
