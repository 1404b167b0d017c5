import type { BuildProbe } from '../../src/domain';
import {
  CASE_LIMIT_MS,
  makeReferenceClip,
  readEncode,
  encodeOnHost,
  requireDigest,
  requireSameFacts,
  requireSpeed,
  selfTestCases,
} from '../../src/media/probe';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';

const DESCRIBE_DEADLINE_MS = 1_500;

export interface SelfTestRequest {
  encoderId: string;
  digest: string;
  /** Encode units that the test may take, or those of the smallest rendition; default: all that the host has. */
  maxUnits?: number;
}

/** Proof that a host encodes, before it gets channels. */
export const selfTestActivities = ({
  encoders,
  versions,
  ffmpegPath,
  clipsServedFrom,
}: Pick<Dependencies, 'encoders' | 'versions' | 'ffmpegPath' | 'clipsServedFrom'>) => ({
  /**
   * Has an encoder encode and publish the reference clips in sessions of their own, and looks at what comes: every
   * frame where it belongs, faster than live, and just what the catalogue's probe of its build has found.
   * @throws SwarmError encoder-incompatible, unavailable (too slow just now), session-failed, encoder-unreachable,
   * encoder-full (it is not empty)
   */
  selfTest: ({ encoderId, digest, maxUnits = Infinity }: SelfTestRequest): Promise<{ atMs: number }> =>
    withHeartbeats(async (signal) => {
      const client = await encoders.client(encoderId);
      const info = await client.describe({ deadlineMs: DESCRIBE_DEADLINE_MS, signal });
      requireDigest(encoderId, digest, info.buildDigest);
      const tested: BuildProbe[] = [];
      for (const probeCase of selfTestCases(maxUnits, info.capacityUnits)) {
        const clip = await makeReferenceClip(ffmpegPath, probeCase, signal);
        const options = { ...clipsServedFrom, limitMs: CASE_LIMIT_MS, signal };
        tested.push(readEncode(clip, await encodeOnHost(client, clip, options)));
      }
      requireSpeed(encoderId, tested);
      const { builds } = await versions.read({ isCurrent: true });
      const build = builds.find((known) => known.digest === digest);
      requireSameFacts(encoderId, tested, build);
      return { atMs: Date.now() };
    }),
});
