import { SwarmError, renditionUnits, type BuildProbe } from '../../src/domain';
import {
  CASE_LIMIT_MS,
  PROBE_CASES,
  makeReferenceClip,
  readEncode,
  type ProbeCase,
} from '../../src/media/probe';
import { encodeOnHost } from '../../src/media/probe';
import { differencesBetween } from '../../src/versions';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';

const DESCRIBE_DEADLINE_MS = 1_500;
/** Below this a live channel falls behind. */
const MIN_REAL_TIME_RATIO = 1;

/** The smallest test that says anything: a host is never left untested, however little there is to spare. */
const SMALLEST_TEST_UNITS = Math.min(
  ...PROBE_CASES.flatMap(({ renditions, framesPerSecond }) =>
    renditions.map((rendition) => renditionUnits(rendition, framesPerSecond)),
  ),
);

/** As much of a case as there is room for. */
const fitted = (probeCase: ProbeCase, units: number): ProbeCase => {
  let free = units;
  const renditions = probeCase.renditions.filter((rendition) => {
    const units = renditionUnits(rendition, probeCase.framesPerSecond);
    if (units > free) return false;
    free -= units;
    return true;
  });
  return { ...probeCase, renditions };
};

/** Proof that a host encodes, before it gets channels. */
export const selfTestActivities = ({
  encoders,
  versions,
  ffmpegPath,
  clipsServedFrom,
}: Pick<Dependencies, 'encoders' | 'versions' | 'ffmpegPath' | 'clipsServedFrom'>) => {
  const refuse = (encoderId: string, why: string, hint: string): SwarmError =>
    new SwarmError('encoder-incompatible', `${encoderId} fails its self-test: ${why}.`, hint);

  return {
    /**
     * Has an encoder encode and publish the reference clips in sessions of their own, and looks at what comes: every
     * frame where it belongs, faster than live, and just what the catalogue's probe of its build has found.
     * @throws SwarmError encoder-incompatible, unavailable (too slow just now), session-failed, encoder-unreachable, encoder-full (it is not empty)
     */
    selfTest: ({
      encoderId,
      digest,
      maxUnits = Infinity,
    }: {
      encoderId: string;
      digest: string;
      /** Encode units that the test may take, or those of the smallest rendition; default: all that the host has. */
      maxUnits?: number;
    }): Promise<{ atMs: number }> =>
      withHeartbeats(async (signal) => {
        const client = await encoders.client(encoderId);
        const info = await client.describe({ deadlineMs: DESCRIBE_DEADLINE_MS, signal });
        if (info.buildDigest !== digest) {
          const other = info.buildDigest ? `SHA-256 ${info.buildDigest.slice(0, 12)}…` : 'an unknown build';
          throw refuse(encoderId, `it runs ${other}, not ${digest.slice(0, 12)}…`, 'Set its build again.');
        }
        const tested: BuildProbe[] = [];
        for (const probeCase of PROBE_CASES.map((known) =>
          fitted(known, Math.min(Math.max(maxUnits, SMALLEST_TEST_UNITS), info.capacityUnits)),
        )) {
          if (probeCase.renditions.length === 0) continue;
          const clip = await makeReferenceClip(ffmpegPath, probeCase, signal);
          const options = { ...clipsServedFrom, limitMs: CASE_LIMIT_MS, signal };
          tested.push(readEncode(clip, await encodeOnHost(client, clip, options)));
        }
        const facts = tested.flatMap((t) => t.facts);
        if (facts.length === 0) {
          throw new SwarmError('encoder-full', `${encoderId} has no room for any reference clip.`);
        }
        const slowest = Math.min(...tested.map((t) => t.realTimeRatio));
        if (slowest < MIN_REAL_TIME_RATIO) {
          // An overload passes: this is asked again for a while, a difference is not.
          throw new SwarmError(
            'unavailable',
            `${encoderId} fails its self-test: it encodes at ${slowest.toFixed(2)} x real time.`,
            'See what else runs on its machine.',
          );
        }
        const { builds } = await versions.read();
        const probed = builds.find((build) => build.digest === digest)?.probe?.facts;
        const expected = probed?.filter((p) =>
          facts.some((f) => f.case === p.case && f.rendition === p.rendition),
        );
        const [difference] = expected ? differencesBetween(expected, facts) : [];
        if (difference)
          throw refuse(encoderId, `it differs from its probe: ${difference}`, 'Probe its build again.');
        return { atMs: Date.now() };
      }),
  };
};
