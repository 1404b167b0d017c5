import type { EncoderClient } from '../../../src/contracts/encoder/client';
import type { OriginChannel, OriginClient } from '../../../src/contracts/origin';
import type { ProbeCase } from '../../../src/media/probe';
import { SELF_TEST_CHANNEL } from './media-model';

/** Stand for what needs ffmpeg. The calls to encoders and origin are those of the real thing, in the same order. */

const FIRST_GOP = 7;
const TOKEN = 1;
const ENCODED_AFTER_MS = 600;

/** For src/media/probe/encode-on-host.ts. */
export const encodeModule = {
  encodeOnHost: async (
    client: Pick<EncoderClient, 'prepare' | 'commit' | 'session' | 'release'>,
    { probeCase }: { probeCase: ProbeCase },
    { signal }: { signal: AbortSignal },
  ): Promise<{ gops: never[]; wallMs: number }> => {
    // One at a time on a host; virtual time tells them apart.
    const sessionId = `self-test-${Date.now()}`;
    const call = { deadlineMs: 2_000, signal };
    try {
      const order = {
        sessionId,
        channelId: SELF_TEST_CHANNEL,
        feedUrl: 'http://clip/feed',
        originUrl: 'http://clip',
        gopDurationTicks: probeCase.gopDurationTicks,
        framesPerSecond: probeCase.framesPerSecond,
        renditions: [...probeCase.renditions],
        fromGop: FIRST_GOP,
      };
      await client.prepare(order, { deadlineMs: 6_000, signal });
      await client.commit(sessionId, TOKEN, FIRST_GOP, call);
      await new Promise((resolve) => setTimeout(resolve, ENCODED_AFTER_MS));
      const { state } = await client.session(sessionId, call);
      if (state === 'failed') throw new Error('the self-test failed');
      return { gops: [], wallMs: ENCODED_AFTER_MS };
    } finally {
      await client.release(sessionId, { deadlineMs: 2_000 }).catch(() => undefined);
    }
  },
};

/** For src/media/probe: a build does what its probe has found. */
export const probeModule = {
  makeReferenceClip: async (_ffmpegPath: string, probeCase: ProbeCase) => ({ probeCase }),
  readEncode: ({ probeCase }: { probeCase: ProbeCase }) => ({
    facts: probeCase.renditions.map(({ name }) => ({ case: probeCase.name, rendition: name })),
    realTimeRatio: 3,
  }),
};

const SAME_DB = 20;

/** For src/media/quality/gop-quality.ts: both builds encode alike. */
class GopQuality {
  constructor(private readonly options: { origin: OriginClient }) {}

  async measure({ channel, signal }: { channel: OriginChannel; signal: AbortSignal }) {
    const gop = channel.nextGop - 1;
    const [entry] = await this.options.origin.ledger(channel.id, gop, gop + 1, { signal }).catch(() => []);
    if (entry?.sessionId !== channel.owner?.sessionId) return null;
    return { newDb: SAME_DB, oldDb: SAME_DB };
  }
}
export const qualityModule = { GopQuality };
