import { randomUUID } from 'node:crypto';
import type { EncoderClient } from '../../contracts/encoder/client';
import { SELF_TEST_CHANNEL } from '../../contracts/encoder/requests';
import { SwarmError } from '../../domain';
import type { EncodedGop } from '../encoder/types';
import { serveClip } from './clip-server';
import type { ClipEncode } from './encode-clip';
import { PROBE_FIRST_GOP, PROBE_GOPS } from './probe-cases';
import type { ReferenceClip } from './reference-clip';

const CALL_DEADLINE_MS = 2_000;
const PREPARE_DEADLINE_MS = 6_000;
const LOOK_EVERY_MS = 200;
const TOKEN = 1;

/** Where a clip is served, and how encoder hosts reach it. */
export interface ServedFrom {
  listenOn: string;
  reachableAs: string;
}

/**
 * Has a host encode and publish a clip in a session of its own, as if it were a channel; the session ends with it.
 * @throws SwarmError session-failed, timeout, or what the host refuses: encoder-full, encoder-incompatible, …
 */
export const encodeOnHost = async (
  client: Pick<EncoderClient, 'prepare' | 'commit' | 'session' | 'release'>,
  clip: ReferenceClip,
  options: ServedFrom & { limitMs: number; signal: AbortSignal },
): Promise<ClipEncode> => {
  const { probeCase } = clip;
  const gops: EncodedGop[] = [];
  const { listenOn, reachableAs, signal } = options;
  const server = await serveClip({ clip, listenOn, reachableAs, onGop: (gop) => gops.push(gop) });
  const sessionId = `self-test-${randomUUID()}`;
  const call = { deadlineMs: CALL_DEADLINE_MS, signal };
  const startedAtMs = performance.now();
  try {
    await client.prepare(
      {
        sessionId,
        channelId: SELF_TEST_CHANNEL,
        feedUrl: server.feedUrl,
        originUrl: server.originUrl,
        gopDurationTicks: probeCase.gopDurationTicks,
        framesPerSecond: probeCase.framesPerSecond,
        renditions: [...probeCase.renditions],
        fromGop: PROBE_FIRST_GOP,
      },
      { deadlineMs: PREPARE_DEADLINE_MS, signal },
    );
    await client.commit(sessionId, TOKEN, PROBE_FIRST_GOP, call);
    while (gops.length < PROBE_GOPS) {
      const { state, failure } = await client.session(sessionId, call);
      if (state === 'failed') {
        throw new SwarmError(
          'session-failed',
          `It failed in ${probeCase.name}: ${failure?.message ?? 'no reason'}.`,
        );
      }
      if (performance.now() - startedAtMs > options.limitMs) {
        throw new SwarmError(
          'session-failed',
          `${gops.length} of ${PROBE_GOPS} GOPs of ${probeCase.name} came within ${options.limitMs / 1000} s.`,
          `Look at its log, and whether it reaches ${server.originUrl}.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return { gops: gops.slice(0, PROBE_GOPS), wallMs: performance.now() - startedAtMs };
  } finally {
    await client.release(sessionId, { deadlineMs: CALL_DEADLINE_MS }).catch(() => undefined);
    await server.close();
  }
};
